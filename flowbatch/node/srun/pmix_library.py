"""libpmix as a server calls it: its types, constants and functions, from the PMIx Standard 4 (https://pmix.github.io/standard).

The library is the system's own; nothing of it comes with us.
"""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Mapping, Sequence
from ctypes import CFUNCTYPE, POINTER, c_char, c_char_p, c_int, c_size_t, c_uint16, c_uint32, c_void_p
from typing import Any

NAME = "libpmix.2.dylib" if sys.platform == "darwin" else "libpmix.so.2"

SUCCESS, DONE_ALREADY, EVENT_IS_HANDLED = 0, -157, -334

BOOL, STRING, UINT16, UINT32, INFO, DATA_ARRAY, RANK = 1, 3, 13, 14, 24, 39, 40
TYPES: Mapping[str, int] = {
    "pmix.anlmap": STRING, "pmix.appnum": UINT32, "pmix.apprank": RANK, "pmix.app.size": UINT32, "pmix.grank": RANK,
    "pmix.hname": STRING, "pmix.job.napps": UINT32, "pmix.job.size": UINT32, "pmix.jobid": STRING, "pmix.lldr": RANK,
    "pmix.local.size": UINT32, "pmix.lpeers": STRING, "pmix.lrank": UINT16, "pmix.max.size": UINT32, "pmix.nmap": STRING,
    "pmix.node.size": UINT32, "pmix.nodeid": UINT32, "pmix.nrank": UINT16, "pmix.nsdir": STRING, "pmix.num.nodes": UINT32,
    "pmix.offset": RANK, "pmix.pdata": DATA_ARRAY, "pmix.pmap": STRING, "pmix.rank": RANK, "pmix.spawned": BOOL,
    "pmix.srvr.tmpdir": STRING, "pmix.sys.tmpdir": STRING, "pmix.tdir.rmclean": BOOL, "pmix.tmpdir": STRING, "pmix.univ.size": UINT32,
}  # fmt: skip
"""The keys that are used here, with the types of their values."""


class Proc(ctypes.Structure):
    """`pmix_proc_t`."""

    _fields_ = [("nspace", c_char * 256), ("rank", c_uint32)]


class _Data(ctypes.Union):
    """The largest value is three words."""

    _fields_ = [
        ("flag", ctypes.c_bool), ("string", c_char_p), ("uint16", c_uint16), ("uint32", c_uint32), ("array", c_void_p),
        ("words", c_void_p * 3),
    ]  # fmt: skip


class _Value(ctypes.Structure):
    _fields_ = [("type", c_uint16), ("data", _Data)]


class Info(ctypes.Structure):
    """`pmix_info_t`: a key and its value."""

    _fields_ = [("key", c_char * 512), ("flags", c_uint32), ("value", _Value)]


class _Array(ctypes.Structure):
    _fields_ = [("type", c_uint16), ("size", c_size_t), ("array", c_void_p)]


FIELDS = {BOOL: "flag", STRING: "string", UINT16: "uint16", UINT32: "uint32", RANK: "uint32"}

Op = CFUNCTYPE(None, c_int, c_void_p)
Release = CFUNCTYPE(None, c_void_p)
Modex = CFUNCTYPE(None, c_int, c_char_p, c_size_t, c_void_p, Release, c_void_p)
Abort = CFUNCTYPE(c_int, POINTER(Proc), c_void_p, c_int, c_char_p, POINTER(Proc), c_size_t, Op, c_void_p)
Fence = CFUNCTYPE(c_int, POINTER(Proc), c_size_t, c_void_p, c_size_t, c_void_p, c_size_t, Modex, c_void_p)
Registered = CFUNCTYPE(None, c_int, c_size_t, c_void_p)
Handled = CFUNCTYPE(None, c_int, c_void_p, c_size_t, Op, c_void_p, c_void_p)
Event = CFUNCTYPE(
    None, c_size_t, c_int, POINTER(Proc), c_void_p, c_size_t, c_void_p, c_size_t, Handled, c_void_p
)  # fmt: skip

MODULE = ("client_connected", "client_finalized", "abort", "fence_nb")
"""The first functions of `pmix_server_module_t`, in their order."""
MODULE_SIZE = 64
"""More than any version of the standard has: a function that is not there is NULL, and what it is for is refused."""


def load() -> ctypes.CDLL:
    """The library. Raises OSError where there is none."""
    library = ctypes.CDLL(NAME)
    library.PMIx_Get_version.restype = c_char_p
    library.PMIx_server_deregister_nspace.restype = None
    return library


def version(library: ctypes.CDLL) -> int:
    """The number before the first point, as plugins of Slurm are named."""
    found = re.search(r"\d+", library.PMIx_Get_version().decode())
    return int(found[0]) if found else 0


def plugins() -> tuple[str, ...]:
    """The types of --mpi that the machine's library serves: `pmix` and its version's own name; none without one."""
    try:
        return "pmix", f"pmix_v{version(load())}"
    except OSError:
        return ()


def module(functions: Mapping[str, Any]) -> Any:
    """`pmix_server_module_t` with these functions, which must live as long as the server."""
    table = (c_void_p * MODULE_SIZE)()
    for name, function in functions.items():
        table[MODULE.index(name)] = ctypes.cast(function, c_void_p)
    return table


def infos(values: Sequence[tuple[str, Any]]) -> Any:
    """An array of `pmix_info_t`; a list of such pairs is an array within. It lives as long as what is returned."""
    array: Any = (Info * len(values))()
    kept: list[Any] = []
    for info, (key, value) in zip(array, values, strict=True):
        info.key = key.encode()
        kind = info.value.type = TYPES[key]
        if kind == DATA_ARRAY:
            inner = infos(value)
            whole = _Array(INFO, len(inner), ctypes.cast(inner, c_void_p))
            kept += [inner, whole]
            info.value.data.array = ctypes.cast(ctypes.pointer(whole), c_void_p)
        else:
            setattr(info.value.data, FIELDS[kind], value.encode() if kind == STRING else value)
    array.kept = kept
    return array
