"""vcbsnapshot's place on a command line, for tests: hands its arguments to the lab that is up, and ends as it is told.

Run as `python -I -S tests/vcbclient.py PORT ARGUMENTS...`. A night starts one for every VM and call, so it imports
next to nothing; what it asks for is done by `tests/vcbserver.py`.
"""

import sys
from _socket import AF_INET, SHUT_WR, SOCK_STREAM, socket

peer = socket(AF_INET, SOCK_STREAM)
peer.connect(("127.0.0.1", int(sys.argv[1])))
peer.send("\0".join(sys.argv[2:]).encode())
peer.shutdown(SHUT_WR)
answer = b""
while part := peer.recv(65536):
    answer += part
sys.stdout.buffer.write(answer[1:])
sys.stdout.flush()
sys.exit(answer[0] if answer else 1)
