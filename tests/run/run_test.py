#!/usr/bin/env python3
"""The entry script in places of all names: run_test.py ROOT [arguments of unittest]

A copy of the script works in a folder of its own, where stand-ins for the set-up, cmake and the tools do in no time what those would do, and
write down how they were called.
"""
import json
import os
import pathlib
import pty
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = ""
# The stand-in notes its folder and makes what a configured build has.
CMAKE = """#!/usr/bin/env bash
printf '%s|%s\\n' "$PWD" "$*" >>"$CALLS"
if [ "$1" = --preset ]; then
  mkdir -p "build/$2" && touch "build/$2/build.ninja" && printf 'CMAKE_HOME_DIRECTORY:INTERNAL=%s\\n' "$PWD" >"build/$2/CMakeCache.txt"
fi
"""


class Run(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="neurona_run_")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name).resolve()
        tools = self.folder / "tools"
        tools.mkdir()
        (tools / "cmake").write_text(CMAKE)
        (tools / "cmake").chmod(0o755)
        self.calls = self.folder / "calls"
        self.environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "NEURONA_CACHE": str(self.folder / "cache"), "CALLS": str(self.calls)}

    def project(self, name):
        place = self.folder / name
        (place / "web/toolchain").mkdir(parents=True)
        for file in ("run", "CMakePresets.json", "web/toolchain/common.sh"):
            shutil.copy(pathlib.Path(ROOT, file), place / file)
        setup = place / "web/toolchain/setup.sh"
        setup.write_text('#!/usr/bin/env bash\nmkdir -p "$NEURONA_CACHE" && touch -d 2000-01-01 "$NEURONA_CACHE/env.sh" "$NEURONA_CACHE/neurona-deps.cmake"\n')
        setup.chmod(0o755)
        return place

    def run_in(self, place, *arguments, script="./run", **environment):
        changed = {name: value for name, value in {**self.environment, **environment}.items() if value is not None}
        return subprocess.run(["bash", script, *arguments], cwd=place, env=changed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                              text=True, timeout=60, check=False)

    def told(self):
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        self.calls.unlink(missing_ok=True)
        return lines

    def test_folders_of_all_names_are_built_in(self):
        for name in ("plain", "with space", "copy (1)", "R&D", "it's", "ca$h", "ñandú", "日本", "a+b=c", "100%", "-dash", "~x", "!", "it's a (1) & ca$h ñ"):
            with self.subTest(name=name):
                place = self.project(name)
                result = self.run_in(place, "build", "native")
                self.assertEqual(result.returncode, 0, result.stdout)
                self.assertEqual(self.told(), [f"{place}|--preset native", f"{place}|--build --preset native"])

    def test_names_that_cmake_cannot_build_in_are_told_with_a_cure(self):
        for name in ("a;b", "a#b", 'a"b', "a\\b", "a[1]", "a*", "a?"):
            with self.subTest(name=name):
                result = self.run_in(self.project(name), "build", "native")
                self.assertEqual(result.returncode, 1)
                self.assertIn("CMake cannot build in a folder with one of", result.stdout)
                self.assertIn("Move or rename the folder", result.stdout)
                self.assertEqual(self.told(), [])

    def test_the_ci_builds_every_preset(self):
        place = self.project("ci")
        (place / ".ci").mkdir()
        for file in (".ci/run", ".ci/count_tests.py"):
            shutil.copy(pathlib.Path(ROOT, file), place / file)
        self.assertEqual(self.run_in(place, script=".ci/run").returncode, 1)  # the stand-in for CMake makes no tests
        built = {call.split("--preset ")[1].split()[0] for call in self.told()}
        presets = json.loads(pathlib.Path(ROOT, "CMakePresets.json").read_text())["configurePresets"]
        self.assertEqual(built, {preset["name"] for preset in presets if not preset.get("hidden")})

    def test_through_a_symbolic_link_the_build_is_kept(self):
        place = self.project("real")
        (self.folder / "link").symlink_to("real")
        (self.folder / "elsewhere").mkdir()
        (self.folder / "elsewhere/start").symlink_to(place / "run")
        self.assertEqual(self.run_in(place, "build", "native").returncode, 0)
        self.told()
        keep = place / "build/native/made by the build"
        keep.write_text("")
        for folder, script in ((self.folder / "link", "./run"), (self.folder, "link/run"), (self.folder / "elsewhere", "./start"), (place, "../link/run")):
            with self.subTest(script=script):
                result = self.run_in(folder, "build", "native", script=script)
                self.assertEqual(result.returncode, 0, result.stdout)
                self.assertTrue(keep.exists())
                self.assertEqual(self.told(), [f"{place}|--build --preset native"])  # not configured anew
        moved = self.folder / "moved"
        place.rename(moved)
        self.assertEqual(self.run_in(moved, "build", "native").returncode, 0)
        self.assertFalse((moved / "build/native/made by the build").exists())  # a build knows its place

    def test_without_home_it_works_or_says_what_to_do(self):
        place = self.project("homeless")
        self.assertEqual(self.run_in(place, "build", "native", HOME=None).returncode, 0)
        result = self.run_in(place, "help", HOME=None, NEURONA_CACHE=None, XDG_CACHE_HOME=None, PATH=f"{self.folder}/tools:{os.environ['PATH']}")
        self.assertEqual(result.returncode, 0, result.stdout)  # the system's list of users knows
        self.assertNotIn("unbound", result.stdout)

    def test_folders_that_cannot_be_written_are_told_with_a_cure(self):
        place = self.project("checkout")
        (place / "build").write_text("a file where the folder should be")
        result = self.run_in(place, "build", "native")
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"nothing can be written into {place}", result.stdout)
        self.assertIn("cp -r", result.stdout)
        (place / "build").unlink()
        (self.folder / "file").write_text("")
        result = self.run_in(place, "build", "native", NEURONA_CACHE=str(self.folder / "file/cache"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("Set NEURONA_CACHE to a folder that can be written", result.stdout)

    def on_terminal(self, place, *arguments, **environment):
        output = bytearray()

        def read(descriptor):
            piece = os.read(descriptor, 4096)
            output.extend(piece)
            return piece

        kept = dict(os.environ)
        try:
            os.environ.clear()
            os.environ.update({**self.environment, **environment})
            here = os.getcwd()
            os.chdir(place)
            pty.spawn(["bash", "./run", *arguments], read)
            os.chdir(here)
        finally:
            os.environ.clear()
            os.environ.update(kept)
        return output.decode()

    def test_colors_are_left_out_where_they_are_not_wanted(self):
        place = self.project("colors")
        self.assertIn("\x1b[31m", self.on_terminal(place, "demo", "--nonsense", TERM="xterm", NO_COLOR=""))
        self.assertNotIn("\x1b", self.on_terminal(place, "demo", "--nonsense", TERM="xterm", NO_COLOR="1"))
        self.assertNotIn("\x1b", self.on_terminal(place, "demo", "--nonsense", TERM="dumb", NO_COLOR=""))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    ROOT = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
