// Names of layers through Keras' history.
#pragma once

#include <string>
#include <string_view>

namespace neurona {

/// Today's name of a layer of ResNet-50 that Keras 1 called otherwise: "res2a_branch2a" is
/// "conv2_block1_1_conv". Other names stay.
inline std::string todays_layer_name(std::string_view name) {
  if (name == "conv1") return "conv1_conv";
  if (name == "bn_conv1") return "conv1_bn";
  const bool is_conv = name.starts_with("res"), is_bn = name.starts_with("bn");
  if (!is_conv && !is_bn) return std::string(name);
  const std::string_view rest = name.substr(is_conv ? 3 : 2);  // "2a_branch2a", "2a_branch1"
  constexpr std::string_view kBranch = "_branch";
  if (rest.size() < 3 + kBranch.size() || rest.substr(2, kBranch.size()) != kBranch) return std::string(name);
  const char stage = rest[0], block = rest[1];
  const std::string_view branch = rest.substr(2 + kBranch.size());
  const bool is_shortcut = branch == "1";
  if (stage < '2' || stage > '5' || block < 'a' || block > 'f' ||
      !(is_shortcut || (branch.size() == 2 && branch[0] == '2' && branch[1] >= 'a' && branch[1] <= 'c')))
    return std::string(name);
  const char place = is_shortcut ? '0' : static_cast<char>(branch[1] - 'a' + '1');
  return std::string("conv") + stage + "_block" + static_cast<char>(block - 'a' + '1') + "_" + place +
         (is_conv ? "_conv" : "_bn");
}

}  // namespace neurona
