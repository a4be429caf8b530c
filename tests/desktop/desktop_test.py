"""The course in a window of its own, as on a desktop, under Xvfb: every lesson opens and is drawn; bad arguments are told.

    desktop_test.py PROGRAM SOURCE_FOLDER
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM, SOURCE = Path(sys.argv.pop(1)), Path(sys.argv.pop(1))
LEAST_COLORS = 60  # text alone, smoothed at its edges, has more
SKIPPED = 77  # as CTest is told


def read_ppm(path):
    """-> width, height, RGB bytes."""
    data = path.read_bytes()
    kind, size, depth, pixels = data.split(b"\n", 3)
    assert kind == b"P6" and depth == b"255", data[:20]
    width, height = map(int, size.split())
    assert len(pixels) == 3 * width * height
    return width, height, pixels


def colors_of(pixels, step=7):
    return {pixels[i:i + 3] for i in range(0, len(pixels) - 2, 3 * step)}


class Desktop(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def window(self, *arguments, width=1280, height=800):
        """Runs the program until it has written a picture; -> what read_ppm gives."""
        picture = self.folder / "window.ppm"
        command = ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24", str(PROGRAM), "--assets", str(SOURCE / "assets"), "--width", str(width),
                   "--height", str(height), "--density", "1", "--screenshot", str(picture), *arguments]
        environment = os.environ | {"XDG_CONFIG_HOME": str(self.folder / "config"), "LIBGL_ALWAYS_SOFTWARE": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        return read_ppm(picture)

    def test_every_lesson_opens_in_the_window(self):
        seen = set()
        for file in sorted((SOURCE / "assets/lessons").glob("*/lesson.json")):
            lesson = json.loads(file.read_text(encoding="utf-8"))
            if lesson["id"] == "coming":
                continue
            last = len(lesson["steps"])
            for step, language, theme, background in ((1, "es", "light", (0xFB, 0xFA, 0xF7)), (last, "en", "dark", (0x13, 0x16, 0x1B))):
                with self.subTest(lesson=lesson["id"], step=step):
                    width, height, pixels = self.window("--open", f"lesson={lesson['id']}&step={step}&lang={language}&theme={theme}")
                    self.assertEqual((width, height), (1280, 800))
                    self.assertGreater(len(colors_of(pixels)), LEAST_COLORS)
                    # The ground of the theme: between the columns, above everything.
                    self.assertEqual(tuple(pixels[3 * (4 * width + 600):][:3]), background)
                    seen.add(pixels)
        self.assertGreaterEqual(len(seen), 4, "Two steps look the same.")

    def test_what_is_set_is_done_before_the_picture_is_taken(self):
        before = self.window("--open", "lesson=train&step=4&lang=en", "--set", "training=embedded")
        after = self.window("--open", "lesson=train&step=4&lang=en", "--set", "training=embedded", "--set", "training=epoch")
        self.assertNotEqual(before[2], after[2])

    def test_a_phone_sized_window_works_too(self):
        width, height, pixels = self.window("--open", "lesson=draw&lang=en", "--draw", width=390, height=780)
        self.assertEqual((width, height), (390, 780))
        self.assertGreater(len(colors_of(pixels, 3)), LEAST_COLORS)

    def test_bad_arguments_are_told(self):
        done = subprocess.run([PROGRAM, "--width", "7"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--width", done.stderr)


if __name__ == "__main__":
    if not shutil.which("xvfb-run"):
        print("skipped: no xvfb-run here (Debian packages xvfb and xauth)")
        sys.exit(SKIPPED)
    unittest.main()
