"""What a container takes away from a server, for the `prepare` of lib/servers.py: called in the child between fork and
exec. Nothing here knows which server it is.
"""
import contextlib
import ctypes
import errno
import os
import resource
import struct
import tempfile

LIBC = ctypes.CDLL(None, use_errno=True)

# linux/prctl.h, linux/seccomp.h, linux/bpf_common.h, linux/capability.h
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 24, 38, 22
SECCOMP_MODE_FILTER, SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO = 2, 0x7fff0000, 0x00050000
LOAD_WORD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
CAP_IPC_LOCK, CAP_SYS_RESOURCE = 14, 24
IO_URING_SETUP = 425  # the same on all architectures


def _prctl(*arguments):
    if LIBC.prctl(*(ctypes.c_ulong(argument) for argument in arguments)) != 0:
        raise OSError(ctypes.get_errno(), 'prctl')


def refuse_io_uring(error):
    """A seccomp filter that answers io_uring_setup with an error, as container runtimes do."""
    program = b''.join(struct.pack('HBBI', *instruction) for instruction in (
        (LOAD_WORD, 0, 0, 0),  # the number of the system call is the first thing in struct seccomp_data
        (JUMP_IF_EQUAL, 0, 1, IO_URING_SETUP),
        (RETURN, 0, 0, SECCOMP_RET_ERRNO | error),
        (RETURN, 0, 0, SECCOMP_RET_ALLOW)))
    instructions = ctypes.create_string_buffer(program)
    filter_ = ctypes.create_string_buffer(struct.pack('HL', len(program) // 8, ctypes.addressof(instructions)))

    def prepare():
        assert instructions  # the filter points to them
        _prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(filter_), 0, 0)
    return prepare


def lock_no_memory():
    """No memory may be locked, also not by root."""
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
    if os.geteuid() == 0:
        _prctl(PR_CAPBSET_DROP, CAP_IPC_LOCK, 0, 0, 0)


def few_descriptors():
    """At most 200 open files, also for root."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
    if os.geteuid() == 0:
        _prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE, 0, 0, 0)


@contextlib.contextmanager
def memory_group(bytes_max):
    """A cgroup (v1 or v2) of so much memory: gives a function that the child joins it with, or None where no such group
    can be made."""
    for parent, limit in (('/sys/fs/cgroup/memory', 'memory.limit_in_bytes'), ('/sys/fs/cgroup', 'memory.max')):
        try:
            folder = tempfile.mkdtemp(prefix='skua-test-', dir=parent)
        except OSError:
            continue
        try:
            with open(os.path.join(folder, limit), 'w') as file:
                file.write(str(bytes_max))
        except OSError:
            os.rmdir(folder)
            continue

        def join():
            with open(os.path.join(folder, 'cgroup.procs'), 'w') as file:
                file.write(str(os.getpid()))
        try:
            yield join
        finally:
            os.rmdir(folder)
        return
    yield None


ERRORS = {'EPERM': errno.EPERM, 'ENOSYS': errno.ENOSYS}
