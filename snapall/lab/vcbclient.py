"""vcbsnapshot for the drill and the tests: pass the arguments to a resident one, and end as it answers.

`python -I -S vcbclient.py PORT --world DIR -h HOST ... -c moref:vm-611 Quiesce`. It is started for every VM and call,
so it loads nothing; `snapall.lab.vcbsnapshot`, the program that it replaces, takes five times as long to start.
"""

import sys
from _socket import socket

if __name__ == "__main__":
    host = socket()
    host.connect(("127.0.0.1", int(sys.argv[1])))
    host.sendall("\0".join(sys.argv[2:]).encode())
    host.shutdown(1)
    answer = b""
    while part := host.recv(4096):
        answer += part
    code, _, output = answer.partition(b"\n")
    sys.stdout.buffer.write(output)
    sys.exit(int(code or b"1"))
