"""NBD servers for tests, on Unix sockets: nbdkit and qemu-nbd."""

import random
import signal
import socket
import subprocess
import time
from pathlib import Path


def wait_until_it_listens(process, path, patience=60):
    """Until a client is taken at the Unix socket: its file is there before that."""
    deadline = time.monotonic() + patience
    while True:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                return client.connect(str(path))
            except OSError as refused:
                ended = process.poll()
                assert ended is None, f"the server ended with {ended} before it listened"
                assert time.monotonic() < deadline, f"{path}: {refused}"
        time.sleep(0.01)


class NbdServer:
    """nbdkit with the arguments given; it listens when the context is entered."""

    program = ("nbdkit", "-f", "--exit-with-parent", "-U")

    def __init__(self, folder, *arguments):
        self.socket = Path(folder, f"nbd-{random.getrandbits(32):x}.sock")
        self.uri = f"nbd+unix:///?socket={self.socket}"
        self.process = subprocess.Popen([*self.program, self.socket, *arguments])

    def __enter__(self):
        try:
            wait_until_it_listens(self.process, self.socket)
        except BaseException:
            self.__exit__()
            raise
        return self

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class QemuNbd(NbdServer):
    """The same of qemu-nbd, which stays (-t) when its first client, the one that looks whether it
    listens, has gone."""

    program = ("qemu-nbd", "-t", "-k")
