"""An NBD server for tests: nbdkit on a Unix socket."""

import random
import signal
import subprocess
import time
from pathlib import Path


class NbdServer:
    """nbdkit with the arguments given; it is up when the context is entered."""

    def __init__(self, folder, *arguments):
        self.socket = Path(folder, f"nbd-{random.getrandbits(32):x}.sock")
        self.uri = f"nbd+unix:///?socket={self.socket}"
        self.process = subprocess.Popen(
            ["nbdkit", "-f", "--exit-with-parent", "-U", self.socket, *arguments])

    def __enter__(self):
        deadline = time.monotonic() + 20
        while not self.socket.exists():
            assert self.process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        return self

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
