"""The bytes of inputs: what is read, what is refused and where, how much, and how often."""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import random
import threading
import zipfile
import zlib

import pytest

from dnmf import inputs
from dnmf.exceptions import InputDataError
from dnmf.inputs import (
    check_row_size,
    check_table_size,
    count_lines,
    decode,
    input_blocks,
    input_limit,
    read_input,
    text_lines,
)

TEXT = b"a\tb\n1\t2\n" * 50


@pytest.fixture
def refusal(tmp_path):
    def refused(content, name="table.tsv"):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(InputDataError) as caught:
            read_input(path)
        assert str(path) in str(caught.value)
        return str(caught.value)

    return refused


def read(tmp_path, content):
    path = tmp_path / "input"
    path.write_bytes(content)
    return read_input(path)


def block_of_bgzip(content):
    """One member with the extra field in which bgzip keeps the member's size."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(content) + packer.flush()
    size = (len(packed) + 25).to_bytes(2, "little")
    tail = zlib.crc32(content).to_bytes(4, "little") + len(content).to_bytes(4, "little")
    return b"\x1f\x8b\x08\x04" + bytes(6) + b"\x06\x00BC\x02\x00" + size + packed + tail


PACKED = {
    "plain": TEXT,
    "one member": gzip.compress(TEXT),
    "two members": gzip.compress(TEXT[:99]) + gzip.compress(TEXT[99:]),
    "an empty member between": gzip.compress(TEXT) + gzip.compress(b""),
    "padded with zeros": gzip.compress(TEXT) + bytes(5000),
    "padded between": gzip.compress(TEXT[:99]) + bytes(700) + gzip.compress(TEXT[99:]),
    "bgzip": block_of_bgzip(TEXT[:99]) + block_of_bgzip(TEXT[99:]) + block_of_bgzip(b""),
}


@pytest.mark.parametrize("block", [1, 20, 1 << 20])
@pytest.mark.parametrize("packed", PACKED.values(), ids=PACKED)
def test_a_file_is_unpacked_and_recorded_as_it_lies_on_the_disk(
    tmp_path, monkeypatch, packed, block
):
    if block == 1 and packed[:2] == b"\x1f\x8b":
        block = 16  # the first block must show what a file is
    monkeypatch.setattr(inputs, "_BLOCK", block)
    found = read(tmp_path, packed)
    assert found.content == TEXT
    digest = hashlib.sha256(packed).hexdigest()
    assert found.record == {"name": "input", "bytes": len(packed), "sha256": digest}
    assert read_input(found) is found
    assert b"".join(input_blocks(tmp_path / "input", what="a file")) == TEXT


def test_much_content_of_few_bytes_is_unpacked_to_its_end(tmp_path):
    content = bytes(5_000_001)
    assert read(tmp_path, gzip.compress(content)).content == content


def test_a_gzip_file_that_ends_anywhere_too_early_or_has_a_damaged_byte_is_refused(refusal):
    packed = gzip.compress(random.Random(0).randbytes(60), mtime=0)
    for end in range(2, len(packed)):
        assert "truncated or damaged" in refusal(packed[:end])
    for place in [*range(2, 4), *range(10, len(packed))]:
        damaged = bytearray(packed)
        damaged[place] ^= 0x81
        assert "truncated or damaged" in refusal(bytes(damaged))


@pytest.mark.parametrize("tail", [b"garbage", b"\n", bytes(9) + b"x", TEXT])
def test_what_follows_a_gzip_file_is_refused(refusal, tail):
    assert "truncated or damaged" in refusal(gzip.compress(TEXT) + tail)


def test_a_bgzip_file_cut_between_two_blocks_is_refused(refusal):
    assert "ends too early" in refusal(block_of_bgzip(TEXT[:99]) + block_of_bgzip(TEXT[99:]))


def zipped(name):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, TEXT)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (gzip.compress(gzip.compress(TEXT, mtime=0), mtime=0), "gzip once more"),
        (bz2.compress(TEXT), "bzip2"),
        (lzma.compress(TEXT), "xz"),
        (b"\x28\xb5\x2f\xfd" + TEXT, "zstd"),
        (b"\x1f\x9d" + TEXT, "compress"),
        (zipped("table.tsv"), "zip archive"),
        (zipped("[Content_Types].xml"), "Excel"),
        (gzip.compress(zipped("table.tsv"), mtime=0), "zip archive"),
        (TEXT[:1].ljust(257, b"\0") + b"ustar\0", "tar archive"),
    ],
    ids=lambda value: (
        value if isinstance(value, str) else ""
    ),  # archives hold the time: workers would differ
)
def test_other_compressions_are_named(refusal, content, kind):
    message = refusal(content)
    assert kind in message
    assert "Unpack it first" in message


def test_a_text_that_begins_like_a_compression_is_text(tmp_path):
    assert read(tmp_path, b"BZh\t1\n").content == b"BZh\t1\n"


def test_a_dangling_link_a_loop_a_folder_and_a_file_in_a_file(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("gone.tsv")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "good").symlink_to("file")
    for name, words in {
        "dangling": "is a link to gone.tsv, which does not exist",
        "loop": "cannot be read",
        "": "is a folder",
        "file/x": "cannot be read",
        "no/x": "the folder .*no does not exist",
        "filw": "Did you mean .*file",
        "x\0": "is no path",
        "x" * 300: "cannot be read",
    }.items():
        with pytest.raises(InputDataError, match=words):
            read_input(tmp_path / name)
    assert read_input(tmp_path / "good").content == b""


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_devices_are_refused_at_once(path):
    if not os.path.lexists(path):
        pytest.skip(f"no {path} here")
    with pytest.raises(InputDataError, match="is a device, a terminal or a socket"):
        read_input(path)


@pytest.fixture
def pipe(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def written(path, *parts):
    """Write into a pipe from another thread, as another program would."""

    def write():
        with path.open("wb", buffering=0) as file:
            for part in parts:
                file.write(part)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


def test_a_pipe_is_read_once_and_named_by_its_path(pipe):
    content = gzip.compress(random.Random(0).randbytes(300_000))
    thread = written(pipe, content[:10], content[10:])
    found = read_input(pipe)
    thread.join(10)
    assert found.content == gzip.decompress(content)
    digest = hashlib.sha256(content).hexdigest()
    assert found.record == {"name": str(pipe), "bytes": len(content), "sha256": digest}


def test_a_slow_writer_is_waited_for(pipe, monkeypatch):
    """One that opened the pipe before, and writes only once the reader has waited in vain."""
    monkeypatch.setattr(inputs, "_WRITER_SECONDS", 0.05)
    waited, set_blocking = threading.Event(), os.set_blocking
    monkeypatch.setattr(os, "set_blocking", lambda *given: (set_blocking(*given), waited.set()))
    reader = os.open(
        pipe, os.O_RDONLY | os.O_NONBLOCK
    )  # without one, a pipe cannot be opened for writing
    writer = pipe.open("wb", buffering=0)

    def write():
        with writer:
            waited.wait(60)
            writer.write(b"a")
            writer.write(b"b")

    threading.Thread(target=write, daemon=True).start()
    assert read_input(pipe).content == b"ab"
    os.close(reader)


def test_a_pipe_into_which_nothing_writes_is_refused_after_some_seconds(pipe, monkeypatch):
    monkeypatch.setattr(inputs, "_WRITER_SECONDS", 0.1)
    with pytest.raises(InputDataError, match=r"is a pipe, and for 0\.1 seconds no program"):
        read_input(pipe)


def test_an_unnamed_pipe_whose_writer_has_ended(monkeypatch):
    monkeypatch.setattr(inputs, "_WRITER_SECONDS", 0.1)
    out, into = os.pipe()
    os.write(into, TEXT)
    os.close(into)
    assert read_input(f"/dev/fd/{out}").content == TEXT
    os.close(out)


@pytest.mark.parametrize("packed", [TEXT, gzip.compress(TEXT, mtime=0)], ids=["plain", "gzipped"])
def test_a_limit_is_kept_named_and_lifted(tmp_path, packed):
    path = tmp_path / "large.tsv"
    path.write_bytes(packed)
    with input_limit(len(TEXT) - 1), pytest.raises(InputDataError) as caught:
        read_input(path)
    assert f"the limit of an input is {len(TEXT) - 1} bytes" in str(caught.value)
    assert "dnmf --max-input 2GB COMMAND" in str(caught.value)
    with input_limit(len(TEXT)):
        assert read_input(path).content == TEXT
    with pytest.raises(InputDataError, match="has more than 9 bytes, too many for a card"):
        read_input(path, what="a card", most_bytes=9)
    assert read_input(path).content == TEXT


def test_unpacking_stops_at_the_limit(tmp_path, monkeypatch):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(20_000_000)))
    unpacked = []
    gunzip = inputs._gunzip

    def counted(*arguments):
        for block in gunzip(*arguments):
            unpacked.append(len(block))
            yield block

    monkeypatch.setattr(inputs, "_gunzip", counted)
    with input_limit(3_000_000), pytest.raises(InputDataError):
        read_input(path)
    assert sum(unpacked) < 5_000_000
    assert max(unpacked) <= 1 << 20


def test_tables_that_would_fill_the_memory_are_refused():
    with input_limit(100_000):
        check_table_size("a.tsv", 190, 64)
        with pytest.raises(InputDataError, match=r"a\.tsv: has more than 195 rows of 64 columns"):
            check_table_size("a.tsv", 196, 64)
        check_row_size("a.tsv", 3, 3000)
        with pytest.raises(InputDataError, match="line 3 on has 4,000 characters or more"):
            check_row_size("a.tsv", 3, 4000)
        with pytest.raises(InputDataError, match="characters"):
            decode("🧬".encode() * 13_000, "a.tsv")


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"]
)
def test_encodings_with_a_mark_are_read(encoding):
    mark = "\ufeff" if encoding.endswith("e") else ""
    assert decode((mark + "Köln\t5\r\n").encode(encoding), "a") == "Köln\t5\r\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("ok\nKöln,S1\n".encode("latin-1"), r"line 2: found the byte 0xf6.*'Köln,S1'"),
        ("ok\r\rKöln".encode("utf-16-le"), "line 1: found a NUL byte.*UTF-16"),
        (b"ok\r\n1\x00", "line 2: found a NUL byte"),
        (b"1\x1d\n", r"line 1: found the control character '\\x1d'"),
        (b"a\r\rb\x7f", r"line 3: found the control character '\\x7f'"),
        ("a\n\x85".encode(), r"line 2: found the control character '\\x85'"),
        (b"\xff\xfea\x00\n\x00\x00\xdc\x00", "line 2: found the byte 0x00, which is not UTF-16"),
        (b"\xff\xfea", "line 1: found the byte 0x61, which is not UTF-16"),
        (b"a\n\xed\xa0\x80", "line 2: found the byte 0xed"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an Excel file"),
    ],
)
def test_what_is_not_text_is_refused_with_its_line(content, words):
    with pytest.raises(InputDataError, match="^b.tsv.*" + words):
        decode(content, "b.tsv")


@pytest.mark.parametrize("text", ["", "a", "a\nb\r\nc\rd", "\n\r\r\n\n", "a\x0b\u2028\nb"])
def test_lines_are_those_of_a_file_and_nothing_is_lost(text):
    lines = list(text_lines(text))
    assert lines == list(io.StringIO(text, newline=""))
    assert count_lines(text) == len(lines) + (not text or text[-1] in "\r\n")
