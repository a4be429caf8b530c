#!/usr/bin/env python3
"""Writes the seeds of imagenet and image_folder into corpus/."""
import gzip
import json
import pathlib
import struct

CORPUS = pathlib.Path(__file__).parent / "corpus"


def write_folder(name, **files):
    """Of file names the dots are double underlines, the hyphens single ones."""
    content = b"\n".join(b"> " + key.replace("__", ".").replace("_", "-").encode() + b"\n" + value for key, value in files.items())
    (CORPUS / "image_folder" / name).write_bytes(content)


def idx(images, side):
    pixels = struct.pack(">IIII", 0x803, images, side, side) + bytes(range(images * side * side))
    return pixels, struct.pack(">II", 0x801, images) + bytes(i % 2 for i in range(images))


def main():
    for target in ("imagenet", "image_folder"):
        (CORPUS / target).mkdir(parents=True, exist_ok=True)
    (CORPUS / "imagenet/two.json").write_text(json.dumps({"0": ["n01440764", "tench"], "1": ["n01443537", "goldfish"]}))
    (CORPUS / "imagenet/gap.json").write_text(json.dumps({"0": ["n01440764", "tench"], "2": ["n01484850", "\u00f1 \U0001f988"]}))
    (CORPUS / "imagenet/wrong.json").write_text(json.dumps({"0": ["n01440764"], "1": [1, [{"a": None}]]}))

    write_folder("header", train__csv=b"label,pixel0,pixel1,pixel2,pixel3\n0,0,1,2,255\n1,3,4,5,6\n", test__csv=b"label,a,b,c,d\r\n1,9,8,7,6\r\n")
    write_folder("kaggle", train__csv=b"label,a\n3,0\n5,1\n3,2\n", test__csv=b"pixel0\n7\n", labels__txt=b"three\nfive\n")
    write_folder("bare", train__csv=b"0,0,1,2,3\n\n1,3,4,5,6\n", test__csv=b"1,0,0,0,0", classes__txt=b"zero\r\none\n")
    images, labels = idx(4, 2)
    few_images, few_labels = idx(2, 2)
    write_folder("idx", train_images_idx3_ubyte=images, train_labels_idx1_ubyte=labels, t10k_images_idx3_ubyte=few_images, t10k_labels_idx1_ubyte=few_labels)
    packed = lambda data: gzip.compress(data, mtime=0)
    write_folder("emnist", emnist_letters_train_images_idx3_ubyte__gz=packed(images), emnist_letters_train_labels_idx1_ubyte=labels,
                 emnist_letters_test_images_idx3_ubyte__gz=packed(few_images), emnist_letters_test_labels_idx1_ubyte=few_labels,
                 emnist_letters_mapping__txt=b"0 65 97\n1 66\n")


if __name__ == "__main__":
    main()
