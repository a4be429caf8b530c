#!/usr/bin/env python3
"""Writes C++ that holds the course's fonts, or its lesson texts and the snippets they quote.

    embed.py fonts OUT.cpp FOLDER
    embed.py lessons OUT.cpp ROOT     (ROOT/assets/lessons/*/{lesson.json,es.md,en.md}; snippets are relative to ROOT)

A snippet "path#name" is what stands between the lines `// [name]` and `// [/name]` of that file, without their indent.
"""
import json
import sys
import textwrap
from pathlib import Path

FACES = ["Inter-Regular", "Inter-SemiBold", "Inter-Regular", "InterDisplay-SemiBold", "JetBrainsMono-Regular",
         "JetBrainsMono-SemiBold", "STIXTwoMath-Regular", "STIXTwoText-Italic"]  # in the order of Face


def literal(data: bytes) -> str:
    out = []
    for start in range(0, len(data), 96):
        piece = data[start:start + 96]
        out.append('"' + "".join(chr(b) if 32 <= b < 127 and b not in (34, 92, 63) else f"\\{b:03o}" for b in piece) + '"')
    return "\n".join(out) or '""'


def fonts(folder: Path) -> str:
    arrays, seen, entries = [], {}, []
    for face in FACES:
        if face not in seen:
            seen[face] = f"kFont{len(seen)}"
            data = (folder / f"{face}.ttf").read_bytes()
            arrays.append(f"alignas(4) constexpr unsigned char {seen[face]}[] = {{{','.join(map(str, data))}}};")
        entries.append(seen[face])
    return ("#include \"embedded_fonts.hpp\"\n\nnamespace neurona::app {\nnamespace {\n" + "\n".join(arrays) +
            "\n}\n\nstd::array<std::span<const unsigned char>, kFaceCount> embedded_fonts() { return {" +
            ", ".join(entries) + "}; }\n\n}  // namespace neurona::app\n")


def snippet(root: Path, reference: str) -> str:
    path, _, name = reference.partition("#")
    lines = (root / path).read_text(encoding="utf-8").splitlines()
    begin = [i for i, line in enumerate(lines) if line.strip() == f"// [{name}]"]
    end = [i for i, line in enumerate(lines) if line.strip() == f"// [/{name}]"]
    if len(begin) != 1 or len(end) != 1 or end[0] <= begin[0]:
        sys.exit(f"error: {path} needs one line `// [{name}]` and one `// [/{name}]` after it; a lesson quotes them.")
    return textwrap.dedent("\n".join(lines[begin[0] + 1:end[0]]))


def lessons(root: Path) -> str:
    files = {}
    for folder in sorted((root / "assets/lessons").iterdir()):
        if not folder.is_dir():
            continue
        for name in ("lesson.json", "es.md", "en.md"):
            file = folder / name
            if not file.is_file():
                sys.exit(f"error: {file} is missing; every lesson has lesson.json, es.md and en.md.")
            files[f"{folder.name}/{name}"] = file.read_bytes()
        for step in json.loads(files[f"{folder.name}/lesson.json"])["steps"]:
            if "cpp" in step:
                files[f"snippet:{step['cpp']}"] = snippet(root, step["cpp"]).encode()
    rows = []
    for path, data in files.items():
        rows.append(f"    EmbeddedFile{{{json.dumps(path)}, std::string_view({literal(data)}, {len(data)})}},")
    return ("#include \"lesson_text.hpp\"\n\nnamespace neurona::app {\nnamespace {\nconstexpr EmbeddedFile kFiles[] = {\n" +
            "\n".join(rows) + "\n};\n}\n\nstd::span<const EmbeddedFile> embedded_lessons() { return kFiles; }\n\n" +
            "}  // namespace neurona::app\n")


def main():
    kind, out, source = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    text = fonts(source) if kind == "fonts" else lessons(source)
    if not out.is_file() or out.read_text(encoding="utf-8") != text:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")


main()
