"""The vcbsnapshot of the drill: hands its words to the host of the site, and ends as that tells it to.

`python -I -S program.py PORT --world DIR -h HOST ... -c moref:vm-611 Quiesce`. It is started many times for every cell,
so it loads nothing; what it stands for is `snapall.lab.vcbsnapshot`, which takes five times as long to start.
"""

import os
import sys
from _socket import socket

if __name__ == "__main__":
    host = socket()
    host.connect(("127.0.0.1", int(sys.argv[1])))
    host.sendall("\0".join([*sys.argv[2:], "\0"]).encode())
    answer = b""
    while part := host.recv(4096):
        answer += part
    code, _, said = answer.partition(b"\n")
    os.write(1, said)
    os._exit(int(code or b"1"))  # nothing is left to be tidied up
