// Shared ownership with value syntax: options such as `.optimizer = SGD({...})` take any derived object.
#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace neurona {

/// Holds an object of a class derived from Base, moved in, or shared with the caller through a shared_ptr
/// (to read it afterwards).
template <class Base>
class Handle {
 public:
  Handle() = default;
  template <class Derived>
    requires(std::derived_from<std::remove_const_t<Derived>, Base> && !std::is_reference_v<Derived>)
  Handle(Derived&& object) : object_(std::make_shared<std::remove_const_t<Derived>>(std::forward<Derived>(object))) {}
  /// An object with a name would be copied, and what it learns could not be read afterwards: std::move it, or pass a
  /// shared_ptr to it.
  template <class Derived>
    requires std::derived_from<Derived, Base>
  Handle(Derived& object) = delete;
  template <class Derived>
    requires std::derived_from<Derived, Base>
  Handle(std::shared_ptr<Derived> object) : object_(std::move(object)) {}

  Base* operator->() const { return object_.get(); }
  Base& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  std::shared_ptr<Base> object_;
};

}  // namespace neurona
