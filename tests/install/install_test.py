#!/usr/bin/env python3
"""The C++ programs of both READMEs, built with find_package(neurona) against an installed copy, and run.

    install_test.py SOURCE_DIR BUILD_DIR CONFIG

Without MNIST at hand the programs work on the embedded digits; either way they must learn.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE, BUILD, CONFIG = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
TIMEOUT_S = 600
LEAST_ACCURACY = 0.9  # ten epochs of the tutorial's network; guessing gives 0.1

CMAKE_LISTS = """cmake_minimum_required(VERSION 3.25)
project(app LANGUAGES CXX)
find_package(neurona CONFIG REQUIRED)
add_executable(app main.cpp)
target_link_libraries(app neurona::neurona)
"""


def run(*command, **options):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=TIMEOUT_S, **options)
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))} ended with {result.returncode}:\n{result.stdout}\n{result.stderr}")
    return result.stdout


def programs(readme):
    """The C++ blocks of a README that are whole programs."""
    blocks = re.findall(r"^```cpp\n(.*?)^```$", readme.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [block for block in blocks if "int main" in block]


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="neurona-install-"))
        cls.prefix = cls.folder / "prefix"
        run("cmake", "--install", BUILD, "--prefix", cls.prefix, "--config", CONFIG)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def build(self, name, code, cmake_lists=CMAKE_LISTS):
        app = self.folder / name
        app.mkdir()
        (app / "main.cpp").write_text(code, encoding="utf-8")
        (app / "CMakeLists.txt").write_text(cmake_lists, encoding="utf-8")
        run("cmake", "-S", app, "-B", app / "build", f"-DCMAKE_PREFIX_PATH={self.prefix}", "-DCMAKE_BUILD_TYPE=Release",
            "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror")
        run("cmake", "--build", app / "build", "--config", CONFIG)
        found = [path for path in (app / "build").rglob("app*") if path.is_file() and path.stem == "app" and os.access(path, os.X_OK)]
        self.assertEqual(len(found), 1, found)
        return found[0]

    def learns(self, readme):
        blocks = programs(readme)
        self.assertEqual(len(blocks), 1, f"{readme.name} has {len(blocks)} programs; it shows one.")
        out = run(self.build(readme.stem.replace(".", "-"), blocks[0]), cwd=self.folder)
        self.assertIn("Epoch 10/10", out)
        accuracy = re.search(r"^accuracy (0\.\d+)$", out, re.MULTILINE)
        self.assertIsNotNone(accuracy, out[-600:])
        self.assertGreater(float(accuracy[1]), LEAST_ACCURACY)
        digits = re.search(r"^digit (\d)$", out, re.MULTILINE)
        self.assertIsNotNone(digits, out[-600:])

    def test_the_program_of_the_readme_learns(self):
        self.learns(SOURCE / "README.md")

    def test_the_spanish_readme_shows_the_same_program(self):
        self.assertEqual(programs(SOURCE / "README.md"), programs(SOURCE / "README.es.md"))

    def test_each_public_header_compiles_alone(self):
        include = self.prefix / "include"
        headers = sorted(path.relative_to(include) for path in (include / "neurona").rglob("*.hpp"))
        self.assertGreater(len(headers), 20)
        sources = []
        for i, header in enumerate(headers):
            sources.append(f"header_{i}.cpp")
            (self.folder / sources[-1]).write_text(f"#include <{header.as_posix()}>\n", encoding="utf-8")
        lists = CMAKE_LISTS.replace("main.cpp", "main.cpp " + " ".join(f"../{source}" for source in sources))
        self.build("headers", "int main() {}\n", lists)

    def test_nothing_but_the_library_is_installed(self):
        kinds = {path.suffix for path in self.prefix.rglob("*") if path.is_file()}
        self.assertLessEqual(kinds, {".hpp", ".a", ".so", ".cmake", ".lib", ".md", ""})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
