"""Attacks on the host, run inside a kernel. This source is sent there; it imports nothing of ours.

Each function gets what it may look for (:data:`D`, the decoys) and returns evidence when it
reached the host. An exception means that it was refused. Some attacks cannot see whether they
reached anything; the host looks afterwards (``host.py``).
"""

import contextlib
import ctypes
import errno
import fcntl
import glob
import json
import os
import platform
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import time

D = {}
ATTACKS = {}
LIBC = ctypes.CDLL(None, use_errno=True)
DENIED = {
    errno.EPERM,
    errno.EACCES,
    errno.ENOSYS,
    errno.EOPNOTSUPP,
    errno.EAFNOSUPPORT,
    errno.EROFS,
}
AT_FDCWD = -100


def attack(function):
    ATTACKS[function.__name__] = function
    return function


def call(name, *arguments):
    """A system call by number; returns its result, raises OSError."""
    number = D["syscalls"].get(name)
    if number is None:
        raise OSError(errno.ENOSYS, "not on this processor")
    packed = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = LIBC.syscall(ctypes.c_long(number), *packed)
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result


def allowed(name, *arguments):
    """Evidence if Linux went so far as to look at the arguments, which are nonsense."""
    try:
        return f"{name} returned {call(name, *arguments)}"
    except OSError as error:
        return None if error.errno in DENIED else f"{name}: {error.strerror}"


def has_secret(text):
    data = text if isinstance(text, bytes) else str(text).encode()
    return "secret read" if D["secret"].encode() in data else None


def read(path):
    with open(path, "rb") as file:
        return has_secret(file.read(1 << 20))


# --- files: reading


@attack
def read_a_private_key():
    return read(D["home"] + "/.ssh/id_rsa")


@attack
def read_an_env_file():
    return read(D["project"] + "/.env")


@attack
def list_the_home():
    return ".ssh" in os.listdir(D["home"]) and "listed"


@attack
def list_the_project():
    return ".env" in os.listdir(D["project"]) and "listed"


@attack
def read_shadow():
    with open("/etc/shadow", "rb") as file:
        return file.read(1) and "read"


@attack
def read_passwd_of_the_host():
    return D["user_line"] in open("/etc/passwd").read() and "read"


@attack
def read_through_a_symlink():
    with contextlib.suppress(FileExistsError):
        os.symlink(D["project"] + "/.env", "link-to-env")
    return read("link-to-env")


@attack
def read_through_a_symlinked_parent():
    with contextlib.suppress(FileExistsError):
        os.symlink(D["project"], "link-to-project")
    return read("link-to-project/.env")


@attack
def read_through_a_hardlink():
    os.link(D["project"] + "/.env", "hard-link")
    return read("hard-link")


@attack
def read_by_moving_here():
    os.rename(D["movable"], "moved")
    return read("moved")


@attack
def read_above_the_root():
    folder = os.open("/", os.O_RDONLY)
    for _ in range(20):
        folder = os.open("..", os.O_RDONLY, dir_fd=folder)
    file = os.open(D["project"].lstrip("/") + "/.env", os.O_RDONLY, dir_fd=folder)
    return has_secret(os.read(file, 1000))


@attack
def read_through_proc_self_root():
    return read("/proc/self/root" + D["project"] + "/.env")


@attack
def read_through_the_victims_root():
    return read(f"/proc/{D['victim']}/root{D['project']}/.env")


@attack
def read_through_the_parents_root():
    found = None
    for pid in (D["owner"], D["supervisor"], os.getppid(), 1):
        with contextlib.suppress(OSError):
            found = found or read(f"/proc/{pid}/root{D['project']}/.env")
    return found


@attack
def read_through_the_victims_cwd():
    return read(f"/proc/{D['victim']}/cwd/.env")


@attack
def read_the_victims_environment():
    return read(f"/proc/{D['victim']}/environ")


@attack
def read_the_victims_command_line():
    return read(f"/proc/{D['victim']}/cmdline")


@attack
def read_the_owners_environment():
    return read(f"/proc/{D['owner']}/environ")


@attack
def read_the_victims_memory():
    with open(f"/proc/{D['victim']}/mem", "rb") as file:
        file.seek(D["victim_address"])
        return has_secret(file.read(64))


@attack
def read_the_victims_maps():
    return "libc" in open(f"/proc/{D['victim']}/maps").read() and "read"


@attack
def read_the_victims_descriptors():
    for name in os.listdir(f"/proc/{D['victim']}/fd"):
        with contextlib.suppress(OSError):
            file = os.open(f"/proc/{D['victim']}/fd/{name}", os.O_RDONLY | os.O_NONBLOCK)
            if has_secret(os.pread(file, 1000, 0)):
                return "secret read"
    return None


@attack
def list_processes_of_the_host():
    return (
        os.path.exists(f"/proc/{D['victim']}/stat")
        and str(D["victim"]) in os.listdir("/proc")
        and "listed"
    )


@attack
def reopen_a_path_descriptor():
    file = os.open(D["project"] + "/.env", os.O_PATH)
    return read(f"/proc/self/fd/{file}")


@attack
def open_by_file_handle():
    handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128), 136)
    mount = ctypes.c_int()
    call(
        "name_to_handle_at",
        AT_FDCWD,
        D["project"].encode() + b"/.env",
        handle,
        ctypes.byref(mount),
        0,
    )
    folder = os.open("/", os.O_RDONLY)
    return has_secret(os.read(call("open_by_handle_at", folder, handle, os.O_RDONLY), 1000))


@attack
def read_by_io_uring():
    return allowed("io_uring_setup", 8, ctypes.create_string_buffer(120))


@attack
def secrets_in_the_environment():
    return has_secret(str(dict(os.environ)).encode() + open("/proc/self/environ", "rb").read())


@attack
def inherited_descriptors():
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError, ValueError):
            if has_secret(os.pread(int(name), 1000, 0)):
                return "secret read"
    return None


@attack
def read_attributes_of_a_file():
    return has_secret(os.getxattr(D["project"] + "/.env", "user.note"))


@attack
def watch_a_file_of_the_host():
    watcher = call("inotify_init1", os.O_NONBLOCK)
    call("inotify_add_watch", watcher, D["project"].encode() + b"/.env", 0xFFF)
    return "watched"


@attack
def read_posix_shared_memory():
    return read("/dev/shm/" + D["shm_name"])


@attack
def read_a_disk():
    for name in (
        glob.glob("/dev/vd*") + glob.glob("/dev/sd*") + ["/dev/mem", "/dev/kmsg", "/dev/kcore"]
    ):
        with contextlib.suppress(OSError):
            with open(name, "rb", buffering=0) as file:
                if file.read(16):
                    return f"read {name}"
    return None


@attack
def read_kernel_symbols():
    with open("/proc/kcore", "rb") as file:
        return file.read(16) and "read"


@attack
def see_file_sizes_outside():
    return os.stat(D["project"] + "/.env").st_size and "seen"


# --- files: writing


@attack
def write_start_up_file_of_the_shell():
    with open(D["home"] + "/.bashrc", "a") as file:
        file.write("evil\n")


@attack
def write_authorized_keys():
    os.makedirs(D["home"] + "/.ssh", exist_ok=True)
    with open(D["home"] + "/.ssh/authorized_keys", "w") as file:
        file.write("evil\n")


@attack
def write_start_up_file_of_ipython():
    folder = D["home"] + "/.ipython/profile_default/startup"
    os.makedirs(folder, exist_ok=True)
    open(folder + "/evil.py", "w").close()


@attack
def write_temporary_files():
    for folder in ("/tmp", "/var/tmp", "/dev/shm", "/run"):
        with contextlib.suppress(OSError):
            open(f"{folder}/{D['marker']}", "w").close()


@attack
def write_into_the_python_environment():
    # The host looks whether they are there; some folders may be in a /tmp of the sandbox's own.
    for folder in [*sys.path, sys.prefix]:
        with contextlib.suppress(OSError):
            open(os.path.join(folder, D["marker"] + ".pth"), "w").close()


@attack
def write_into_the_launcher():
    name = os.path.join(D["launcher"], D["marker"])
    open(name, "w").close()
    return f"wrote {name}"


@attack
def overwrite_the_connection_file():
    with open(D["connection_file"], "r+") as file:
        file.write("{}")
    return "written"


@attack
def replace_the_connection_file_by_a_link():
    os.unlink(D["connection_file"])
    os.symlink(D["project"] + "/.env", D["connection_file"])
    return "replaced"


@attack
def replace_a_socket_by_a_link():
    folder = D["sockets"]
    name = os.path.join(folder, os.listdir(folder)[0])
    os.rename(name, name + "-old")
    os.symlink(D["home"] + "/jupyter.sock", name)
    os.unlink(name)
    os.rename(name + "-old", name)
    return "replaced"


@attack
def make_a_link_among_the_sockets():
    os.symlink("/etc/hostname", D["sockets"] + "/link")
    return "made"


@attack
def write_into_the_inbox():
    open(D["inbox"] + "/evil", "w").close()
    return "written"


@attack
def write_above_the_workspace():
    open(os.path.dirname(D["inbox"]) + "/evil", "w").close()
    return "written"


@attack
def truncate_a_file():
    os.truncate(D["project"] + "/victim.txt", 0)


@attack
def truncate_by_opening():
    os.close(os.open(D["project"] + "/victim.txt", os.O_RDONLY | os.O_TRUNC))


@attack
def delete_a_file():
    os.unlink(D["project"] + "/victim.txt")


@attack
def rename_a_file():
    os.rename(D["project"] + "/victim.txt", D["project"] + "/gone.txt")


@attack
def make_a_directory():
    os.mkdir(D["project"] + "/evil")


@attack
def change_the_mode_of_a_file():
    os.chmod(D["project"] + "/victim.txt", 0o777)


@attack
def change_the_owner_of_a_file():
    os.chown(D["project"] + "/victim.txt", 65534, 65534)


@attack
def change_the_times_of_a_file():
    os.utime(D["project"] + "/victim.txt", (1, 1))


@attack
def set_an_attribute_of_a_file():
    os.setxattr(D["project"] + "/victim.txt", "user.evil", b"1")


@attack
def write_through_a_symlink():
    with contextlib.suppress(FileExistsError):
        os.symlink(D["project"] + "/victim.txt", "link-to-victim")
    with open("link-to-victim", "w") as file:
        file.write("evil")


@attack
def write_through_a_hardlink():
    os.link(D["project"] + "/victim.txt", "hard-victim")
    with open("hard-victim", "w") as file:
        file.write("evil")


def made_set_id(name):
    mode = os.stat(name).st_mode
    return mode & 0o6000 and f"mode {mode:o}"


@attack
def set_id_by_chmod():
    shutil.copy("/bin/true", "suid-1")
    os.chmod("suid-1", 0o4755)
    return made_set_id("suid-1")


@attack
def set_id_by_fchmod():
    file = os.open("suid-2", os.O_CREAT | os.O_RDWR, 0o755)
    os.fchmod(file, 0o6755)
    return made_set_id("suid-2")


@attack
def set_id_by_open():
    os.close(os.open("suid-3", os.O_CREAT | os.O_RDWR, 0o4755))
    return made_set_id("suid-3")


@attack
def set_id_by_mknod():
    os.mknod("suid-4", stat.S_IFREG | 0o4755)
    return made_set_id("suid-4")


@attack
def set_id_by_openat2():
    how = struct.pack("QQQ", os.O_CREAT | os.O_RDWR, 0o4755, 0)
    number = 437
    if LIBC.syscall(ctypes.c_long(number), AT_FDCWD, b"suid-5", how, ctypes.c_long(24)) < 0:
        raise OSError(ctypes.get_errno(), "openat2")
    return made_set_id("suid-5")


@attack
def make_a_device():
    os.mknod("device", stat.S_IFBLK | 0o666, os.makedev(254, 0))
    return "made"


@attack
def set_the_core_pattern():
    os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))
    return "opened for writing"


@attack
def write_the_sysrq_trigger():
    os.close(os.open("/proc/sysrq-trigger", os.O_WRONLY))
    return "opened for writing"


@attack
def write_kernel_settings():
    for name in ("vm/overcommit_memory", "kernel/hostname", "kernel/modprobe", "kernel/printk"):
        with contextlib.suppress(OSError):
            os.close(os.open("/proc/sys/" + name, os.O_WRONLY))
            return f"{name} opened for writing"
    return None


@attack
def write_control_groups():
    for folder in ("/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids"):
        with contextlib.suppress(OSError):
            os.mkdir(f"{folder}/{D['marker']}")
            os.rmdir(f"{folder}/{D['marker']}")
            return "made a group"
    return None


@attack
def spare_itself_from_the_out_of_memory_killer():
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("-1000")
    return "written"


# --- network


def connect(address, family=socket.AF_INET, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as client:
        client.settimeout(2)
        client.connect(address)
        client.sendall(b"hello")
        with contextlib.suppress(OSError):
            client.recv(10)


@attack
def connect_to_loopback():
    connect(("127.0.0.1", D["tcp"]))


@attack
def connect_to_loopback_by_ipv6():
    connect(("::1", D["tcp6"]), socket.AF_INET6)


@attack
def connect_to_the_hosts_address():
    for address in D["addresses"]:
        with contextlib.suppress(OSError):
            connect((address, D["tcp"]))


@attack
def send_a_datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(D["marker"].encode(), ("127.0.0.1", D["udp"]))


@attack
def send_a_datagram_outside():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"out", ("192.0.2.1", 53))
    return "sent"


@attack
def look_up_a_name():
    import resource

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(("192.0.2.1", 53))
        sender.send(b"\0" * 12)
    return "sent"


@attack
def listen_for_the_host():
    with socket.socket() as server:
        server.bind(("127.0.0.1", D["free_port"]))
        server.listen()
        server.settimeout(0.2)
        with contextlib.suppress(TimeoutError):
            server.accept()
            return "the host connected"
    return None


@attack
def open_a_raw_socket():
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    return "opened"


@attack
def open_a_packet_socket():
    socket.socket(17, socket.SOCK_RAW, 0)
    return "opened"


@attack
def open_a_vsock():
    socket.socket(40, socket.SOCK_STREAM)
    return "opened"


@attack
def open_a_crypto_socket():
    socket.socket(38, socket.SOCK_SEQPACKET)
    return "opened"


@attack
def list_network_interfaces():
    names = [name for _, name in socket.if_nameindex()]
    return [n for n in names if n in D["interfaces"] and n != "lo"] and str(names)


@attack
def listen_to_the_kernels_events():
    socket.socket(16, socket.SOCK_RAW, 15).bind((0, 1))
    with socket.socket(16, socket.SOCK_RAW, 15) as events:
        return D["namespaces"]["net"] == os.readlink("/proc/self/ns/net") and "host's events"


@attack
def connect_to_a_unix_socket():
    connect(D["home"] + "/jupyter.sock", socket.AF_UNIX)


@attack
def connect_to_a_unix_socket_in_tmp():
    connect(D["tmp_socket"], socket.AF_UNIX)


@attack
def send_to_a_unix_socket():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(D["marker"].encode(), D["home"] + "/datagrams.sock")


@attack
def send_by_a_pair_to_a_unix_socket():
    one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with contextlib.suppress(OSError):
        one.sendto(D["marker"].encode(), D["home"] + "/datagrams.sock")
    one.sendmsg([D["marker"].encode()], [], 0, D["home"] + "/datagrams.sock")


@attack
def connect_to_an_abstract_socket():
    connect("\0" + D["abstract"], socket.AF_UNIX)


# --- other processes


@attack
def signal_the_victim():
    os.kill(D["victim"], signal.SIGUSR1)


@attack
def signal_everybody():
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    os.kill(-1, signal.SIGUSR1)


@attack
def signal_by_descriptor():
    signal.pidfd_send_signal(os.pidfd_open(D["victim"]), signal.SIGUSR1)


@attack
def signal_by_thread():
    if LIBC.tgkill(D["victim"], D["victim"], int(signal.SIGUSR1)) < 0:
        raise OSError(ctypes.get_errno(), "tgkill")


@attack
def signal_by_queue():
    if LIBC.sigqueue(D["victim"], int(signal.SIGUSR1), ctypes.c_void_p(0)) < 0:
        raise OSError(ctypes.get_errno(), "sigqueue")


@attack
def signal_by_input():
    one, other = socket.socketpair()
    fcntl.fcntl(one, fcntl.F_SETOWN, D["victim"])
    fcntl.fcntl(one, 10, int(signal.SIGUSR1))  # F_SETSIG
    fcntl.fcntl(one, fcntl.F_SETFL, fcntl.fcntl(one, fcntl.F_GETFL) | os.O_ASYNC)
    other.send(b"x")


@attack
def signal_the_owner():
    os.kill(D["owner"], 0)
    return "may signal"


@attack
def signal_the_supervisor():
    os.kill(D["supervisor"], 0)
    return "may signal"


def trace(pid):
    PTRACE_SEIZE = 0x4206
    child = os.fork()
    if child == 0:
        # Its end lets the traced process go.
        try:
            call("ptrace", PTRACE_SEIZE, pid, 0, 0)
        except OSError:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return status == 0 and "traced"


@attack
def trace_the_victim():
    return trace(D["victim"])


@attack
def trace_the_owner():
    return trace(D["owner"])


@attack
def read_memory_by_call():
    buffer = ctypes.create_string_buffer(64)
    local = struct.pack("PN", ctypes.addressof(buffer), 64)
    remote = struct.pack("PN", D["victim_address"], 64)
    call("process_vm_readv", D["victim"], local, 1, remote, 1, 0)
    return has_secret(buffer.raw)


@attack
def take_a_descriptor_of_the_victim():
    process = os.pidfd_open(D["victim"])
    return has_secret(os.pread(call("pidfd_getfd", process, D["victim_fd"], 0), 1000, 0))


@attack
def compare_with_the_victim():
    return allowed("kcmp", D["victim"], D["victim"], 1, 0, 0) if D["victim"] else None


@attack
def limit_the_victim():
    import resource

    resource.prlimit(D["victim"], resource.RLIMIT_CORE, (1, 1))


@attack
def slow_the_victim():
    os.setpriority(os.PRIO_PROCESS, D["victim"], 15)


@attack
def slow_all_of_the_user():
    os.setpriority(os.PRIO_USER, 0, 15)


@attack
def pin_the_victim():
    os.sched_setaffinity(D["victim"], {0})


@attack
def advise_the_victim():
    return allowed("process_madvise", os.pidfd_open(D["victim"]), None, 0, 0, 0)


@attack
def read_sysv_shared_memory():
    segment = LIBC.shmget(D["sysv_key"], 0, 0)
    if segment < 0:
        raise OSError(ctypes.get_errno(), "shmget")
    LIBC.shmat.restype = ctypes.c_void_p
    return has_secret(ctypes.string_at(LIBC.shmat(segment, None, 0), 64))


@attack
def read_a_message_queue():
    queue = LIBC.msgget(D["sysv_key"], 0)
    if queue < 0:
        raise OSError(ctypes.get_errno(), "msgget")
    buffer = ctypes.create_string_buffer(128)
    IPC_NOWAIT, MSG_COPY = 0o4000, 0o40000
    if LIBC.msgrcv(queue, buffer, 100, 0, IPC_NOWAIT) < 0:
        raise OSError(ctypes.get_errno(), "msgrcv")
    return has_secret(buffer.raw)


# --- the kernel's own surface


@attack
def a_user_namespace():
    call("unshare", 0x10000000)
    return "made"


@attack
def a_mount_namespace():
    call("unshare", 0x00020000)
    return "made"


@attack
def a_namespace_by_clone():
    pid = call("clone", 0x10000000 | int(signal.SIGCHLD), 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return "made"


@attack
def a_namespace_by_clone3():
    arguments = struct.pack("QQQQQQQQ", 0x10000000, 0, 0, 0, int(signal.SIGCHLD), 0, 0, 0)
    pid = call("clone3", arguments, 64)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return "made"


@attack
def join_a_namespace():
    file = os.open("/proc/self/ns/net", os.O_RDONLY)
    return allowed("setns", file, 0x40000000)


@attack
def mount_something():
    place = os.getcwd().encode()
    call("mount", b"none", place, b"tmpfs", 0, None)
    LIBC.umount2(place, 2)
    return "mounted"


@attack
def unmount_something():
    return allowed("umount2", b"/nowhere", 0)


@attack
def change_the_root():
    return allowed("chroot", b"/nowhere")


@attack
def new_mount_calls():
    return allowed("fsopen", b"tmpfs", 0)


@attack
def load_a_filter_program():
    return allowed("bpf", 0, ctypes.create_string_buffer(128), 128)


@attack
def count_events():
    return allowed("perf_event_open", ctypes.create_string_buffer(128), 0, -1, -1, 0)


@attack
def handle_page_faults():
    return allowed("userfaultfd", 1)


@attack
def use_the_keyring():
    return allowed("keyctl", 0, -3, 0, 0, 0) or allowed("add_key", b"user", b"x", b"y", 1, -3)


@attack
def load_a_module():
    return allowed("init_module", b"", 0, b"")


@attack
def load_another_kernel():
    return allowed("kexec_load", 0, 0, None, 0xFFFF)


@attack
def reboot_the_machine():
    return allowed("reboot", 1, 2, 3, 0)


@attack
def swap_memory():
    return allowed("swapon", b"/nowhere", 0)


@attack
def name_the_host():
    return allowed("sethostname", b"x" * 100, 100)


@attack
def set_the_clock():
    return allowed("clock_settime", 99, ctypes.create_string_buffer(16))


@attack
def account_processes():
    return allowed("acct", b"/nowhere")


@attack
def read_the_kernels_log():
    return allowed("syslog", 3, ctypes.create_string_buffer(16), 16)


@attack
def switch_off_address_randomisation():
    return allowed("personality", 0x0040000)


@attack
def hide_memory():
    return allowed("memfd_create", b"hidden", 0)


@attack
def move_pages_of_the_victim():
    return allowed("move_pages", D["victim"], 0, None, None, None, 0)


@attack
def old_calls_of_another_processor():
    """On x86_64, 32-bit calls carry other numbers past a careless filter."""
    if platform.machine() != "x86_64":
        return None
    code = bytes.fromhex("b814000000cd80c3")  # mov eax, 20 (getpid); int 0x80; ret
    pid = os.fork()
    if pid == 0:
        import mmap

        page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        page.write(code)
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        number = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
        os._exit(0 if number > 0 else 1)
    _, status = os.waitpid(pid, 0)
    return status == 0 and "worked"


@attack
def calls_of_the_x32_numbering():
    if platform.machine() != "x86_64":
        return None
    result = LIBC.syscall(ctypes.c_long(0x40000000 + 39))
    return result > 0 and "worked"


@attack
def calls_nobody_knows():
    if LIBC.syscall(ctypes.c_long(463), 0, 0, 0, 0) >= 0 or ctypes.get_errno() != errno.ENOSYS:
        return "let through"
    return None


@attack
def type_on_the_terminal():
    for name in ("/dev/tty", "/dev/pts/0", "/dev/console"):
        with contextlib.suppress(OSError):
            terminal = os.open(name, os.O_RDWR | os.O_NOCTTY)
            fcntl.ioctl(terminal, 0x5412, b"x")
            return "typed"
    return None


@attack
def become_root():
    if os.getuid() == 0:
        with open("/proc/self/status") as file:
            capabilities = next(line for line in file if line.startswith("CapEff"))
        return int(capabilities.split()[1], 16) and capabilities
    os.setuid(0)
    return "became root"


@attack
def gain_by_a_setuid_program():
    with open("/proc/self/status") as file:
        text = file.read()
    return "NoNewPrivs:\t0" in text and "setuid programs gain privileges"


@attack
def raise_its_own_limits():
    import resource

    for kind in (resource.RLIMIT_DATA, resource.RLIMIT_NOFILE, resource.RLIMIT_CORE):
        _, hard = resource.getrlimit(kind)
        if hard == resource.RLIM_INFINITY:
            return "no limit"
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (hard + 1, hard + 1))
            return "raised"
    return None


# --- other kernels of the user


@attack
def read_keys_of_other_kernels():
    return read(D["kernel_tcp"]) or read(D["kernel_ipc"])


def drive(info):
    from jupyter_client import BlockingKernelClient

    client = BlockingKernelClient()
    client.load_connection_info(info)
    client.start_channels()
    try:
        client.execute(f"open({D['kernel_marker']!r}, 'w').close()")
        time.sleep(0.5)
    finally:
        client.stop_channels()


@attack
def drive_another_kernel_over_tcp():
    drive({**D["kernel_tcp_info"], "key": D["kernel_tcp_info"]["key"].encode()})


@attack
def drive_another_kernel_over_ipc():
    drive({**D["kernel_ipc_info"], "key": D["kernel_ipc_info"]["key"].encode()})


@attack
def run_the_users_start_up_files():
    return "STARTED_UP" in os.environ and "they ran"


def run(name):
    """Play one attack; return evidence, or what refused it."""
    pid = os.getpid()
    try:
        evidence = ATTACKS[name]()
    except BaseException as error:
        if os.getpid() != pid:
            os._exit(1)
        return [None, f"{type(error).__name__}: {error}"[:300]]
    return [str(evidence) if evidence else None, "nothing was reached"]
