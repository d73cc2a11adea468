"""`python network_watcher.py COMMAND`: run a command in this network, and tell where it wrote to.

To be run as the administrator of a network of its own (unshare --net). Everything but the loopback
interface leads to one that passes nothing on; packets are read there. Prints JSON: `status`,
`output`, and `addresses` such as "udp 192.0.2.53:53".
"""

import json
import socket
import subprocess
import sys
import threading
import time

SETUP = (
    "ip link set lo up",
    "ip link add out type veth peer name nowhere",
    "ip link set out arp off",
    "ip address add 192.0.2.1/24 dev out",
    "ip link set nowhere up",
    "ip link set out up",
    "ip route add default dev out",
)
PROTOCOLS = {6: "tcp", 17: "udp"}
IPV4 = 0x0800


def main() -> None:
    """Run the command that the arguments name."""
    for command in SETUP:
        subprocess.run(command.split(), check=True)
    addresses = set()
    threading.Thread(target=watch, args=(addresses,), daemon=True).start()
    done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    time.sleep(0.2)  # for the last packets to be read
    report = {"status": done.returncode, "output": done.stdout, "addresses": sorted(addresses)}
    sys.stdout.write(json.dumps(report))


def watch(addresses: set[str]) -> None:
    """Add the destination of every IPv4 packet (RFC 791) that leaves."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3)) as packets:
        packets.bind(("out", 0))
        while True:
            packet, (_, kind, *_) = packets.recvfrom(65536)
            if kind == IPV4:
                header = (packet[0] & 0x0F) * 4
                protocol = PROTOCOLS.get(packet[9], str(packet[9]))
                port = int.from_bytes(packet[header + 2 : header + 4])
                addresses.add(f"{protocol} {socket.inet_ntoa(packet[16:20])}:{port}")


if __name__ == "__main__":
    main()
