"""Downloads from a server on this machine: whole, wrong, broken, resumed."""

import hashlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from stdpnet import catalog
from stdpnet.datasets import (
    CardFile,
    DataWarning,
    DownloadError,
    check,
    fetch,
    load_dataset,
)
from stdpnet.datasets.download import download, partial_path

CONTENT = np.random.default_rng(0).bytes(300_000)
FILE = CardFile(name="data.bin", role="X_train", md5=hashlib.md5(CONTENT).hexdigest())


class Handler(BaseHTTPRequestHandler):
    """Serve ``server.files``; the next ``server.breaks`` replies stop half-way."""

    def do_GET(self):
        content = self.server.files.get(self.path.strip("/"))
        self.server.ranges.append(self.headers["Range"])
        if content is None or self.server.refuses:
            self.send_error(503 if self.server.refuses else 404)
            return
        self._reply(content, self._start())

    def _start(self):
        wanted = self.headers["Range"]
        return int(wanted[6:-1]) if wanted and self.server.honours_range else 0

    def _reply(self, content, start):
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        rest = content[start:]
        if self.server.breaks:
            self.server.breaks -= 1
            self.server.refuses = self.server.refuses_after_break
            rest = rest[: len(rest) // 2]
        self.wfile.write(rest)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.files, server.ranges, server.breaks = {"data.bin": CONTENT}, [], 0
    server.refuses = server.refuses_after_break = False
    server.honours_range = True
    server.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def closed_url(monkeypatch):
    """An address on this machine where nobody listens."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/"


def visible(folder):
    return [path.name for path in folder.iterdir() if not path.name.startswith(".")]


def test_whole_file_with_progress(server, tmp_path):
    seen = []
    target = tmp_path / "new" / "data.bin"
    download(
        server.url + "data.bin", target, FILE, progress=lambda *args: seen.append(args)
    )
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["data.bin"]
    assert seen[-1] == ("data.bin", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_wrong_digest_leaves_nothing(server, tmp_path):
    server.files["data.bin"] = CONTENT[:-1] + b"?"
    with pytest.raises(ValueError, match=r"data\.bin must have md5 .*nothing was kept"):
        download(server.url + "data.bin", tmp_path / "data.bin", FILE)
    assert list(tmp_path.iterdir()) == []


def test_broken_connection_is_resumed_at_once(server, tmp_path):
    server.breaks = 2
    download(server.url + "data.bin", tmp_path / "data.bin", FILE)
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=150000-", "bytes=225000-"]


def test_dead_server_shows_nothing_and_the_next_call_resumes(server, tmp_path):
    server.breaks, server.refuses_after_break = 1, True
    target = tmp_path / "data.bin"
    with pytest.raises(DownloadError, match=r"data\.bin: HTTP 503"):
        download(server.url + "data.bin", target, FILE)
    assert visible(tmp_path) == []

    server.refuses = False
    download(server.url + "data.bin", target, FILE)
    assert target.read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=150000-"
    assert [path.name for path in tmp_path.iterdir()] == ["data.bin"]


def test_server_that_always_breaks_is_given_up(server, tmp_path):
    server.breaks = 100
    with pytest.raises(DownloadError, match=r"connection broke after \d+ of 300000"):
        download(server.url + "data.bin", tmp_path / "data.bin", FILE)
    assert len(server.ranges) <= 5
    assert visible(tmp_path) == []


def test_server_without_ranges_starts_again(server, tmp_path):
    server.honours_range = False
    partial_path(tmp_path / "data.bin").write_bytes(b"x" * 1000)
    download(server.url + "data.bin", tmp_path / "data.bin", FILE)
    assert (tmp_path / "data.bin").read_bytes() == CONTENT


def test_complete_partial_file_is_asked_for_again(server, tmp_path):
    partial_path(tmp_path / "data.bin").write_bytes(CONTENT)
    download(server.url + "data.bin", tmp_path / "data.bin", FILE)
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    assert server.ranges == ["bytes=300000-", None]


def test_interrupted_download_keeps_what_it_has(server, tmp_path):
    def interrupt(name, done, total):
        raise KeyboardInterrupt

    target = tmp_path / "data.bin"
    with pytest.raises(KeyboardInterrupt):
        download(server.url + "data.bin", target, FILE, progress=interrupt)
    assert visible(tmp_path) == []
    assert CONTENT.startswith(partial_path(target).read_bytes())
    download(server.url + "data.bin", target, FILE)
    assert target.read_bytes() == CONTENT


def test_two_downloads_at_once_fetch_once(server, tmp_path):
    target = tmp_path / "data.bin"
    begun, released = threading.Event(), threading.Event()

    def pause(name, done, total):
        begun.set()
        assert released.wait(10)

    arguments = (server.url + "data.bin", target, FILE)
    first = threading.Thread(
        target=download, args=arguments, kwargs={"progress": pause}
    )
    second = threading.Thread(target=download, args=arguments)
    first.start()
    assert begun.wait(10)
    second.start()
    second.join(0.2)
    assert second.is_alive()
    released.set()
    for thread in (first, second):
        thread.join(10)
    assert target.read_bytes() == CONTENT
    assert server.ranges == [None]
    assert [path.name for path in tmp_path.iterdir()] == ["data.bin"]


def test_waiting_download_survives_the_failure_of_the_first(server, tmp_path):
    target, second = tmp_path / "data.bin", None
    server.files["data.bin"] = b"?" * len(CONTENT)

    def start_second(name, done, total):
        nonlocal second
        if second is None:
            server.files["data.bin"] = CONTENT
            second = threading.Thread(
                target=download, args=(server.url + "data.bin", target, FILE)
            )
            second.start()
            second.join(0.2)

    with pytest.raises(ValueError, match="nothing was kept"):
        download(server.url + "data.bin", target, FILE, progress=start_second)
    second.join(10)
    assert target.read_bytes() == CONTENT


def test_nobody_listens(closed_url, tmp_path):
    with pytest.raises(DownloadError, match=r"^http://127\.0\.0\.1:\d+/data\.bin: "):
        download(closed_url + "data.bin", tmp_path / "data.bin", FILE)
    assert visible(tmp_path) == []


def _catalogue(tmp_path, monkeypatch, url, files):
    """A catalogue whose MNIST has these files at this address."""
    text = catalog.card_path("mnist").read_text()
    head = text[: text.index("[[files]]")]
    head = head.replace("https://ossci-datasets.s3.amazonaws.com/mnist/", url)
    entry = '[[files]]\nname = "{}"\nrole = "{}"\nsha256 = "{}"\n'
    roles = ("X_train", "y_train", "X_test", "y_test")
    for (name, content), role in zip(files.items(), roles, strict=True):
        head += entry.format(name, role, hashlib.sha256(content).hexdigest())
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "mnist.toml").write_text(head)
    monkeypatch.setattr(catalog, "catalog_root", lambda: tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STDPNET_DATA", raising=False)


def _idx(array):
    shape = np.array(array.shape, ">u4").tobytes()
    return bytes([0, 0, 8, array.ndim]) + shape + array.tobytes()


IMAGES = np.arange(2 * 784, dtype=np.uint8).reshape(2, 28, 28)
LABELS = np.array([3, 1], np.uint8)
FILES = {
    "images": _idx(IMAGES),
    "labels": _idx(LABELS),
    "test-images": _idx(IMAGES[:1]),
    "test-labels": _idx(LABELS[:1]),
}


@pytest.fixture
def mnist(server, tmp_path, monkeypatch):
    server.files = dict(FILES)
    _catalogue(tmp_path, monkeypatch, server.url, FILES)
    return tmp_path / "home" / "stdpnet" / "data" / "mnist"


def test_load_downloads_into_the_cache_once(server, mnist):
    data = load_dataset("mnist")
    assert np.array_equal(data.X_train, IMAGES)
    assert data.source == str(mnist)
    load_dataset("mnist")
    assert len(server.ranges) == 4
    assert {c.status for c in check("mnist")} == {"ok"}


def test_fetch_with_a_bar_writes_nothing_to_standard_output(server, mnist, capsys):
    assert fetch("mnist", progress=True) == mnist
    assert fetch("mnist", progress=True) == mnist
    assert len(server.ranges) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "test-labels" in captured.err


def test_fetch_into_a_root(mnist, tmp_path):
    folder = fetch("mnist", root=tmp_path / "mine", progress=False)
    assert folder == tmp_path / "mine" / "mnist"
    assert sorted(visible(folder)) == sorted(FILES)
    assert not mnist.exists()


def test_fetch_never_replaces_a_changed_file(mnist):
    fetch("mnist", progress=False)
    (mnist / "labels").write_bytes(_idx(LABELS[::-1]))
    with pytest.raises(FileExistsError, match=r"labels exists and is not the original"):
        fetch("mnist", progress=False)
    with pytest.warns(DataWarning, match="not the original bytes: labels"):
        assert list(load_dataset("mnist").y_train) == [1, 3]


def test_half_a_data_set_is_not_used(server, mnist):
    del server.files["test-labels"]
    with pytest.raises(
        FileNotFoundError,
        match=r"^mnist: no such file in .*: test-labels and the download failed "
        r"\(.*HTTP 404.*\)\. Run 'stdpnet data fetch mnist' with a network",
    ):
        load_dataset("mnist")
    server.files = dict(FILES)
    assert np.array_equal(load_dataset("mnist").X_test, IMAGES[:1])


def test_no_network_and_no_data_says_what_to_do(closed_url, tmp_path, monkeypatch):
    _catalogue(tmp_path, monkeypatch, closed_url, FILES)
    with pytest.raises(
        FileNotFoundError,
        match=r"^mnist: no copy in .* and the download failed .*--data DIR or \$STDPNET",
    ):
        load_dataset("mnist")


def test_folder_that_cannot_be_written(mnist, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"cannot be written: .*; choose another folder"):
        fetch("mnist", root=tmp_path / "file", progress=False)


def test_embedded_data_need_no_fetch():
    with pytest.raises(ValueError, match=r"^digits is embedded; there is nothing"):
        fetch("digits")
