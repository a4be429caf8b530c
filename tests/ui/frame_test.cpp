// The frame that lessons stand in: blocks, controls, names, work, and a lesson that is added to it.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "control_view.hpp"
#include "guess.hpp"
#include "session.hpp"
#include "values.hpp"
#include "work_share.hpp"

using namespace neurona::app;

namespace {

/// A block that remembers where it was drawn.
Block seen(float least, Rect& at) {
  return block(least, [&at](Rect rect) { at = rect; });
}

std::string file_text(const std::string& path) {
  std::ifstream file(std::string(NEURONA_SOURCE) + "/" + path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

// ---------------------------------------------------------------------------------------------------- blocks

TEST_CASE("A column gives what is left over to those that share it, and no more than they can use") {
  Rect a, b, c;
  std::vector<Block> parts;
  parts.push_back(seen(50, a));
  parts.push_back(seen(100, b).sharing(1).at_most(150));
  parts.push_back(seen(100, c).sharing(1));
  parts.push_back({});  // nothing takes no room, not even a gap
  const Block all = column(std::move(parts), 10);
  CHECK(all.least_height(300) == 270);
  all.draw({5, 7, 300, 470});
  CHECK(a.h == 50);
  CHECK(b.h == 150);
  CHECK(c.h == 250);
  CHECK(b.y == 7 + 60);
  CHECK(c.bottom() == 7 + 470);
}

TEST_CASE("A row shares its width by weight within limits, and folds where it is narrow") {
  Rect a, b;
  const auto make = [&] {
    std::vector<Block> parts;
    parts.push_back(seen(80, a).weighing(1));
    parts.push_back(seen(50, b).weighing(3).between(0, 200));
    return row(std::move(parts), {.gap = 10, .fold_below = 300});
  };
  CHECK(make().least_height(510) == 80);
  make().draw({0, 0, 510, 120});
  CHECK(b.w == 200);
  CHECK(a.w == 300);
  CHECK(b.x == 310);
  CHECK(a.h == 120);
  CHECK(make().least_height(250) == 80 + 10 + 50);
  make().draw({0, 0, 250, 140});
  CHECK(a.w == 250);
  CHECK(b.y == 90);
}

// ---------------------------------------------------------------------------------------------------- values

TEST_CASE("A control takes what it declares, refuses the rest with what it expects, and is in the address when it was set") {
  Values values;
  Number rate(values, {.name = "rate", .minimum = 0.001, .maximum = 10, .initial = 0.1, .spacing = Spacing::logarithmic});
  Number units(values, {.name = "units", .minimum = 1, .maximum = 512, .initial = 100, .integer = true});
  Choice kind(values, {.name = "kind", .options = {"relu", "tanh"}});
  Flag early(values, {.name = "early", .initial = true});
  int pressed = 0;
  Action act(values, {.name = "act", .options = {"go"}}, [&](std::string_view) { ++pressed; });
  CHECK(values.address().empty());
  CHECK(Values::set(units, "12") == "");
  CHECK(units.whole() == 12);
  CHECK(Values::set(units, "12.5") == "units: received '12.5', expected a whole number from 1 to 512.");
  CHECK(Values::set(rate, "nan") == "rate: received 'nan', expected a number from 0.001 to 10.");
  CHECK(Values::set(kind, "sine") == "kind: received 'sine', expected 'relu' or 'tanh'.");
  CHECK(Values::set(early, "0") == "");
  CHECK(Values::set(act, "go") == "");
  CHECK(pressed == 1);
  CHECK(values.json() == R"({"rate":0.1,"units":12,"kind":"relu","early":false})");
  CHECK(values.address() == UrlState{{"units", "12"}, {"early", "0"}});
  const int before = values.revision();
  units.set(12);
  CHECK(values.revision() == before);
  // What an address lacks or holds wrongly is as at the start; it presses no buttons.
  values.restore({{"rate", "0.5"}, {"units", "9999"}, {"act", "go"}});
  CHECK(rate.value() == 0.5);
  CHECK(units.whole() == 100);
  CHECK(early.on());
  CHECK(pressed == 1);
  CHECK_THROWS_AS(Flag(values, {.name = "units"}), std::logic_error);
}

TEST_CASE("The page's README tells the values that the program takes") {
  Session s(1440, 900);
  INFO(s.app->values_table());
  CHECK(file_text("web/browser/README.md").find(s.app->values_table()) != std::string::npos);
}

// ------------------------------------------------------------------------------------------------------ work

TEST_CASE("One slice of work is shared: with four that have work it is as long as with one, and none of them starves") {
  WorkShare share;
  constexpr int kSlices = 400, kOnScreen = 1;
  int turns[4] = {};
  for (int slice = 0; slice < kSlices; ++slice) {
    const bool more = share.advance(0.2, 4, kOnScreen, [&](std::size_t i, double budget_ms) {
      ++turns[i];
      const double until = neurona::now_ms() + budget_ms;  // takes all it gets
      while (neurona::now_ms() < until) {
      }
      return true;
    });
    CHECK(more);
  }
  // The first slice asks all four whether they have work; from then on each slice is one's.
  CHECK(turns[0] + turns[1] + turns[2] + turns[3] <= kSlices + 3);
  for (const int i : {0, 2, 3}) {
    CHECK(turns[i] > kSlices / 20);
    CHECK(turns[kOnScreen] > 4 * turns[i]);
  }
}

// ---------------------------------------------------------------------------------------------- a new lesson

namespace {

/// A lesson as somebody would add one: two steps, two controls, a check by doing and one by guessing.
class SmallLesson : public Lesson {
 public:
  class First : public Step {
   public:
    explicit First(Number& size) : size_(size) {}
    std::string_view id() const override { return "first"; }
    Block stage(StepContext& c) override {
      std::vector<Block> parts;
      parts.push_back(settings_card(c, {&size_}));
      return stage_of(c, std::move(parts));
    }
    bool done(StepContext&) override { return size_.value() > 5; }
    Number& size_;
  };
  class Second : public Step {
   public:
    Second(Values& values, Flag& fast) : fast_(fast), guess_(values, {.name = "my_guess", .minimum = 0, .maximum = 10}) {}
    std::string_view id() const override { return "second"; }
    Block stage(StepContext& c) override {
      std::vector<Block> parts;
      parts.push_back(settings_card(c, {&fast_}));
      return stage_of(c, std::move(parts));
    }
    Guess* guess() override { return &guess_; }
    bool work(Services& services, double) override {
      if (!guess_.committed() || guess_.answer()) return false;
      guess_.set_answer(7);
      services.ui.request_frames();
      return false;
    }
    Flag& fast_;
    Guess guess_;
  };
  SmallLesson() {
    add_step<First>(size_);
    add_step<Second>(values(), fast_);
  }
  std::string_view id() const override { return "neuron"; }

 private:
  Number size_{values(), {.name = "units", .minimum = 0, .maximum = 10, .initial = 2, .integer = true}};
  Flag fast_{values(), {.name = "fast", .initial = false}};
};

constexpr std::string_view kSmallText =
    R"({"lesson": {"id": "neuron", "number": 1, "steps": [{"id": "first", "formula": "u + 1"}, {"id": "second"}]},
        "es": "# Chica | Una lección\n## first | Primero\nTexto.\n> Haz algo.\n## second | Segundo\nMás.\n> Apuesta.\n## strings\n- settings: Ajustes\n- units: Tamaño\n- fast: Rápido\n- my_guess: Apuesta\n",
        "en": "# Small | A lesson\n## first | First\nText.\n> Do it.\n## second | Second\nMore.\n> Guess.\n## strings\n- settings: Settings\n- units: Size\n- fast: Fast\n- my_guess: Guess\n",
        "snippets": {}})";

/// The course with that lesson in it.
struct SmallCourse : Session {
  explicit SmallCourse(float width, float height, std::string fragment = {}) : Session(width, height) {
    const auto bytes = std::as_bytes(std::span(kSmallText));
    platform.files["lessons/neuron.json"].assign(bytes.begin(), bytes.end());
    platform.fragment = std::move(fragment);
    std::vector<std::unique_ptr<Lesson>> lessons = make_lessons();
    lessons.push_back(std::make_unique<SmallLesson>());
    app = std::make_unique<App>(platform, digit, std::move(lessons));
    run(3);
  }
};

}  // namespace

TEST_CASE("A small lesson that is added is in the rail, the address, the door, the mirror and the list of pictures") {
  for (const float width : {390.f, 1440.f}) {
    SmallCourse s(width, 900, "lesson=neuron&step=1&lang=en&units=4");
    CAPTURE(width);
    CHECK(s.state()["text"] == "ready");
    CHECK(s.state()["values"] == nlohmann::json{{"units", 4}, {"fast", false}, {"my_guess", 0}});
    CHECK(s.state()["lessons"]["train"]["values"]["units"] == 100);
    CHECK(s.state()["course"][1] == nlohmann::json{{"lesson", "neuron"}, {"steps", 2}, {"coming", false}});
    const nlohmann::json mirror = nlohmann::json::parse(s.app->mirror_json());
    CHECK(mirror["title"] == "First");
    CHECK(mirror["prose"] == "Text.");
    CHECK(mirror["formula"].get<std::string>().find("<math") != std::string::npos);
    CHECK(s.app->mirror_json().find(R"("label":"Size")") != std::string::npos);
    if (width > 1000) CHECK(s.state()["rects"].contains("lesson-neuron"));
    CHECK(s.app->names_used_twice().empty());
    // Two lessons have `units`: the one on the screen is meant, the other by its name.
    s.set("units", "6");
    s.set("train.units", "32");
    CHECK(s.state()["values"]["units"] == 6);
    CHECK(s.state()["lessons"]["train"]["values"]["units"] == 32);
    CHECK(s.platform.fragment == "lesson=neuron&step=1&lang=en&units=6");
    CHECK(s.state()["checked"] == true);  // units above 5
    s.app->go("draw", 0);
    CHECK(s.app->set_value("units", "3").find("several lessons") != std::string::npos);
    s.app->go("neuron", 0);
    s.set("units", "2");
    CHECK(s.state()["checked"] == true);  // a check stays passed
    CHECK(s.platform.stored["passed.neuron"] == "first");
  }
}

TEST_CASE("A guess is made before the answer is computed; both stay, also for the next visit") {
  SmallCourse s(1440, 900, "lesson=neuron&step=2&lang=en");
  CHECK(s.state()["guess"].is_null());
  s.set("my_guess", "4");
  s.run(5);
  CHECK(s.state()["checked"] == false);
  s.click("guess");
  CHECK(s.state()["guess"]["guess"] == 4);
  CHECK(s.state()["guess"]["answer"] == 7);
  CHECK(s.state()["checked"] == true);
  CHECK(!s.state()["rects"].contains("guess"));
  CHECK(s.platform.stored["guess.neuron.second"] == "4,7");
  std::vector<std::unique_ptr<Lesson>> lessons = make_lessons();
  lessons.push_back(std::make_unique<SmallLesson>());
  s.app = std::make_unique<App>(s.platform, s.digit, std::move(lessons));
  s.run(3);
  CHECK(s.state()["guess"]["answer"] == 7);
}

TEST_CASE("Typefaces that do not arrive are asked for again when a lesson is opened, not over and over") {
  Session s(1440, 900);
  s.platform.refused = "fonts/math.ttf";
  s.platform.fetched.clear();
  s.app = std::make_unique<App>(s.platform, s.digit, make_lessons());
  s.run(30);
  const auto asked = [&] { return std::count(s.platform.fetched.begin(), s.platform.fetched.end(), s.platform.refused); };
  CHECK(asked() == 1);
  s.app->go("train", 1);
  s.run(10);
  CHECK(asked() == 2);
  s.platform.refused.clear();
  s.app->go("train", 2);
  s.run(10);
  s.app->go("train", 1);
  s.run(10);
  CHECK(std::count(s.platform.fetched.begin(), s.platform.fetched.end(), "fonts/math.ttf") == 3);
}

TEST_CASE("A lesson goes elsewhere at the end of the frame") {
  Navigator navigator;
  CHECK(!navigator.take());
  navigator.go("train", 3), navigator.go("draw", 1);
  const auto wish = navigator.take();
  REQUIRE(wish);
  CHECK(wish->lesson == "draw");
  CHECK(wish->step == 1);
  CHECK(!navigator.take());
}

TEST_CASE("No two controls share a name, whatever the step and the window") {
  for (const float width : {390.f, 820.f, 1440.f}) {
    Session s(width, 900);
    const nlohmann::json course = s.state()["course"];
    for (const auto& lesson : course)
      for (int step = 0; step < lesson["steps"].get<int>(); ++step) {
        s.app->go(lesson["lesson"].get<std::string>(), step);
        s.run(2);
        CAPTURE(width);
        CAPTURE(lesson.dump());
        CAPTURE(step);
        for (const std::string& name : s.app->names_used_twice()) FAIL_CHECK(name << " is there twice");
      }
  }
}

TEST_CASE("A name is looked up inside its scopes; one that is there twice is told") {
  ImGui::CreateContext();
  ImGui::GetIO().IniFilename = nullptr;
  ImGui::GetIO().BackendFlags |= ImGuiBackendFlags_RendererHasTextures;
  {
    Ui ui;
    Input input;
    input.width = 400, input.height = 300;
    const auto frame = [&](const auto& widgets) {
      ImGui::GetIO().DisplaySize = {400, 300};
      ImGui::GetIO().DeltaTime = 1.f / 60;
      ImGui::NewFrame();
      ui.begin_frame(input, light_theme(), Language::en, true);
      widgets();
      ui.end_frame();
      ImGui::Render();
      serve_textures();
    };
    bool clicked_a = false, clicked_b = false;
    const auto two = [&] {
      const Scope lesson(ui, "train", false);
      {
        const Scope a(ui, "a");
        clicked_a = ui.region("play", {0, 0, 50, 50}).clicked;
      }
      const Scope b(ui, "b");
      clicked_b = ui.region("play", {60, 0, 50, 50}).clicked;
    };
    frame(two);
    CHECK(ui.controls()[0].name == "a/play");
    CHECK(ui.names_used_twice().empty());
    ui.activate("b/play");
    frame(two);
    CHECK(!clicked_a);
    CHECK(clicked_b);
    frame([&] {
      ui.region("play", {0, 0, 50, 50});
      ui.region("play", {60, 0, 50, 50});
    });
    CHECK(ui.names_used_twice() == std::vector<std::string>{"play"});
  }
  for (ImTextureData* texture : ImGui::GetPlatformIO().Textures) texture->SetStatus(ImTextureStatus_Destroyed);
  ImGui::DestroyContext();
}
