"""Files behind a real xrootd server (Debian's xrootd-server): listing, reading, redirects, and servers that go away."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import pytest
from ports import free_port

from hdqm_ops import pipeline, xrootd
from hdqm_ops.cli import main
from hdqm_ops.discover import file_name, find
from hdqm_ops.errors import ConfigError, TryAgain, UnreadableFile
from hdqm_ops.extract import list_elements, read_file
from hdqm_ops.extract._file import RootFile
from hdqm_ops.extract._xrootd import XrootdFile
from hdqm_ops.settings import Settings

pytest.importorskip("XRootD", reason="the xrootd client is not installed: pip install 'hdqm-ops[xrootd]'")
SERVER = shutil.which("xrootd")
pytestmark = pytest.mark.skipif(SERVER is None, reason="no xrootd server here: apt-get install xrootd-server")

DQM = Path(__file__).parents[1] / "data" / "dqm"
[SAMPLE] = DQM.glob("*.root")
ONE = "/SingleMuon/Run2018D-PromptReco-v1/DQMIO"


class Server:
    """One xrootd on a free port; ``extra`` lines go into its configuration."""

    def __init__(self, place, data, *extra):
        self.port = free_port()
        place.mkdir()
        self.config, self.log = place / "xrootd.cfg", place / "log"
        lines = [f"xrd.port {self.port}", "xrd.network nodnr", f"oss.localroot {data}", "all.export /",
                 f"all.adminpath {place}/admin", f"all.pidpath {place}/admin", *extra]  # fmt: skip
        self.config.write_text("\n".join(lines) + "\n")
        self.url = f"root://127.0.0.1:{self.port}/"
        self.process = None
        self.place = place

    def start(self):
        command = [SERVER, "-c", str(self.config), "-l", str(self.log), "-n", "test"]
        if os.geteuid() == 0:
            # xrootd refuses to run as root; Debian's package brings a user for it
            shutil.chown(self.place, "xrootd")
            command += ["-R", "xrootd"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.place)
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self
            time.sleep(0.05)
        raise AssertionError("xrootd did not start")

    def signal(self, number):
        """End or stop the server, and wait until it has: threads that have not heard of a signal go on answering."""
        self.process.send_signal(number)
        os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WSTOPPED | os.WNOWAIT)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def place():
    # not pytest's own folder, which nobody else may enter: the server runs as another user
    folder = Path(tempfile.mkdtemp(prefix="hdqm-xrootd-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def data(place):
    folder = place / "data" / "dqm" / "SingleMuon" / "0003249xx"
    folder.mkdir(parents=True)
    for run in (324997, 324998):
        shutil.copy(SAMPLE, folder / file_name(run, ONE))
    shutil.copy(SAMPLE, folder / "notes.root")
    (folder / ".sys.v#.hidden").mkdir()
    (folder / "loop").symlink_to("..")
    return place / "data"


@pytest.fixture(scope="module")
def server(place, data):
    server = Server(place / "server", data).start()
    yield server
    server.stop()


@pytest.fixture
def mortal(place, data, tmp_path):
    """A server that a test may stop."""
    server = Server(place / tmp_path.name, data).start()
    yield server
    server.stop()


@pytest.fixture
def patience(monkeypatch):
    """Set how long a server may take for an answer, in seconds."""

    def set_to(answer_s):
        monkeypatch.setenv("HDQM_XROOTD_TIMEOUT_S", str(answer_s))
        monkeypatch.setenv("HDQM_CONNECT_TIMEOUT_S", "5")  # so long the client leaves a server alone that refused
        xrootd._settings.cache_clear()
        xrootd._client.cache_clear()

    yield set_to
    monkeypatch.undo()
    xrootd._settings.cache_clear()
    xrootd._client.cache_clear()


@pytest.fixture(autouse=True)
def patient(patience):
    patience(60)


def sample(server):
    return f"{server.url}/dqm/SingleMuon/0003249xx/{file_name(324997, ONE)}"


@pytest.mark.parametrize(
    "pattern",
    ["dqm", "dqm/", "dqm/*/*/DQM*.root", "dqm/**/DQM_V0001_R0003249*.root", "dqm/Single*", "d?m/SingleMuon/*/DQM*"],
)
def test_folders_and_globs_of_a_server(server, pattern):
    files = list(find([f"{server.url}/{pattern}"]))

    assert [file.run_number for file in files] == [324997, 324998]
    assert files[0].path == sample(server)
    assert files[0].size_bytes == SAMPLE.stat().st_size
    assert files[0].mtime > 1.7e9
    assert files[0].dataset == ONE


def test_a_listing_asks_once_a_folder(server, monkeypatch):
    asked = []
    listing, status = xrootd.listing, xrootd.status
    monkeypatch.setattr(xrootd, "listing", lambda address: asked.append(address) or listing(address))
    monkeypatch.setattr(xrootd, "status", lambda address: asked.append(address) or status(address))

    list(find([f"{server.url}/dqm"]))

    # the folder that was named, to know its kind; then each folder, the one behind the link once more at most
    assert len(asked) <= 2 + 3


def test_what_is_named_and_absent_is_a_mistake(server):
    with pytest.raises(ConfigError, match="no such file or directory"):
        list(find([f"{server.url}/dqm/nothing"]))
    with pytest.raises(ConfigError, match="root://server//path"):
        list(find(["root://nowhere"]))
    with pytest.raises(ConfigError, match="only root://"):
        list(find(["https://somewhere/DQM.root"]))


def test_an_address_is_written_in_one_way():
    assert xrootd.normal("root://eos.cern.ch//eos/cms/../cms//x.root") == "root://eos.cern.ch//eos/cms/x.root"
    assert xrootd.normal("root://eos.cern.ch:1094/eos/cms/") == "root://eos.cern.ch:1094//eos/cms"


def test_reads_as_from_disk(server):
    elements = list(list_elements(SAMPLE))
    here, there = read_file(SAMPLE, elements), read_file(sample(server), elements)

    assert list_elements(sample(server)) == list_elements(SAMPLE)
    assert there.run_number == here.run_number
    assert there.elements.keys() == here.elements.keys()
    for name, content in here.elements.items():
        if hasattr(content, "cells"):
            assert (there.elements[name].cells == content.cells).all()
        else:
            assert there.elements[name] == content


def test_a_large_file_takes_few_questions(server, monkeypatch):
    monkeypatch.setattr("hdqm_ops.extract._xrootd._SMALL", 0)  # as if it were too large to read whole
    monkeypatch.setattr("hdqm_ops.extract._xrootd._HEAD", 256)
    elements = list(list_elements(SAMPLE))
    depth = max(name.count("/") for name in elements) + 2  # DQMData and the run stand before

    from hdqm_ops.extract import _reader

    with XrootdFile(sample(server)) as source:
        extracted = _reader._extract(source, elements)
        assert len(extracted.elements) == len(elements)
        assert source.requests <= 10 + 2 * depth


def test_a_redirector_sends_on(place, data, server):
    redirector = Server(place / "redirector", data, f"xrootd.redirect 127.0.0.1:{server.port} /").start()
    try:
        assert read_file(sample(redirector), []).run_number == read_file(SAMPLE, []).run_number
        assert len(list(find([f"{redirector.url}/dqm"]))) == 2
    finally:
        redirector.stop()


def test_a_file_that_is_absent_or_forbidden_is_its_own_fault(server, data):
    with pytest.raises(UnreadableFile, match="no such file"):
        read_file(sample(server).replace("324997", "1"), [])
    secret = data / "secret.root"
    shutil.copy(SAMPLE, secret)
    secret.chmod(0)
    with pytest.raises(UnreadableFile, match="permission denied"):
        read_file(f"{server.url}/secret.root", [])


def test_a_file_that_shrinks_while_it_is_read(server, data):
    place = data / "shrinking.root"
    place.write_bytes(SAMPLE.read_bytes() + bytes(4 << 20))  # too large to be read whole
    with XrootdFile(f"{server.url}/shrinking.root") as source:
        RootFile(source)
        os.truncate(place, 1000)
        with pytest.raises(OSError, match="illegal seek"):
            source.read([(500_000, 1000)])


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_server_that_goes_away_is_tried_again(mortal, data, how, patience):
    place = data / "long.root"
    place.write_bytes(SAMPLE.read_bytes() + bytes(4 << 20))
    with XrootdFile(f"{mortal.url}/long.root") as source:
        source.read([(0, 80)])
        mortal.signal(how)
        patience(2)
        with pytest.raises(TryAgain, match=r"^xrootd, root://127"):
            source.read([(500_000, 1000)])
    with pytest.raises(TryAgain):
        read_file(f"{mortal.url}/long.root", [])
    with pytest.raises(TryAgain):  # and what was not seen is not gone
        list(find([f"{mortal.url}/dqm/*/*/DQM*.root"]))


def test_children_of_a_process_that_listed_can_read(server):
    list(find([f"{server.url}/dqm"]))
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(BaseException):
            status = 0 if read_file(sample(server), []).run_number else 2
        os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_process_that_read_ends_without_a_word(server, tmp_path):
    program = """
        import sys
        import airflow.providers.standard.operators.python  # it keeps proxies of packages that are not installed
        from hdqm_ops.extract import read_file
        from hdqm_ops.xrootd import RemoteFile
        read_file(sys.argv[1], [])
        left_open = RemoteFile(sys.argv[1])
        print("read")
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), sample(server)],
        capture_output=True,
        text=True,
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path)},
        timeout=300,
    )

    assert (ended.stdout, ended.stderr, ended.returncode) == ("read\n", "", 0)


@pytest.fixture
def one_trend(tmp_path, monkeypatch, db, mortal):
    """Settings of a database with a single trend to compute from the files of a folder on a server."""
    element = next(path for path, kind in list_elements(SAMPLE).items() if kind == "TH1F")
    config = tmp_path / "cfg" / "Tracker" / "one.ini"
    config.parent.mkdir(parents=True)
    config.write_text(f"[plot:First]\nmetric = basic.Mean()\nrelativePath = {element}\nyTitle = y\n")
    monkeypatch.setenv("HDQM_DATABASE_URL", db)
    monkeypatch.setenv("HDQM_CONFIGS", f'["{tmp_path}/cfg"]')
    monkeypatch.setenv("HDQM_FILES", f'["{mortal.url}/wild"]')


def test_ingest_from_a_server_and_what_is_not_seen_is_not_gone(mortal, data, one_trend, capsys, patience):
    folder = data / "wild"
    folder.mkdir()
    paths = [folder / file_name(324997, f"/{name}/Run2018D-PromptReco-v1/DQMIO") for name in ("A", "B")]
    for path in paths:
        shutil.copy(SAMPLE, path)

    def ingest():
        with pytest.raises(SystemExit) as ended:
            main(["ingest", "--json"])
        return ended.value.code, capsys.readouterr().out

    def states():
        return [(file["path"].rpartition("/")[2], file["state"]) for file in pipeline.list_files(Settings())]

    assert ingest()[0] == 0
    assert states() == [(path.name, "ingested") for path in paths]

    paths[0].unlink()
    ingest()
    assert states() == [(paths[0].name, "vanished"), (paths[1].name, "ingested")]

    mortal.stop()
    patience(2)
    code, _ = ingest()
    assert code == 3
    assert states() == [(paths[0].name, "vanished"), (paths[1].name, "ingested")]

    mortal.start()
    patience(60)
    shutil.copy(SAMPLE, paths[0])
    assert ingest()[0] == 0
    assert states() == [(path.name, "ingested") for path in paths]
