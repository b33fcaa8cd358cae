"""`module` and `ml` for batch scripts: bash functions that travel in the environment, as environment-modules and Lmod export theirs.

A site maps names (`[modules]` in flow.toml): to nothing, to variables, or to the image that has what the module had. A name that it
does not map is said on standard error once a job, and stands in the job's record; or it ends the script, where the site asks for that.
The functions are text without any program behind them, so they work on a rented machine and inside a container alike.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

LOADED = "LOADEDMODULES"
UNMAPPED_FILE = "modules"
LONGEST_NAME = 200
MOST_NAMES = 50

MODULE, ML = b"BASH_FUNC_module%%", b"BASH_FUNC_ml%%"

TEMPLATE = r"""() {
 local flow_verb=${1:-list} flow_name flow_rest flow_status=0
 [ $# -eq 0 ] || shift
 case $flow_verb in
 load|add|try-load|load-any|swap|switch|unload|rm|del|remove|purge|reset)
  case $flow_verb in
  purge|reset) flow_rest=$LOADED; set -- ${flow_rest//:/ }; flow_verb=unload;;
  swap|switch) [ $# -lt 2 ] || { module unload "$1"; shift; }; flow_verb=load;;
  load|add|try-load|load-any) flow_verb=load;;
  *) flow_verb=unload;;
  esac
  for flow_name; do
   case $flow_name in -*) continue;; esac
   case $flow_verb:$flow_name in
@ARMS@
   load:*) @UNMAPPED@;;
   esac
   flow_rest=:$LOADED:; flow_rest=${flow_rest//:"$flow_name":/:}; flow_rest=${flow_rest#:}; flow_rest=${flow_rest%:}
   case $flow_verb in load) flow_rest=${flow_rest:+$flow_rest:}$flow_name;; esac
   export LOADEDMODULES=$flow_rest
  done;;
 list) printf 'Currently Loaded Modules:\n' >&2; flow_rest=$LOADED; for flow_name in ${flow_rest//:/ }; do printf '  %s\n' "$flow_name" >&2; done;;
 avail|av|spider|whatis|keyword|show|display|help|overview) printf '%s\n' 'modules that this site maps (flow.toml):' @NAMES@ >&2;;
 is-loaded) for flow_name; do case :$LOADED: in *:"$flow_name":*|*:"$flow_name"/*) ;; *) flow_status=1;; esac; done;;
 use|unuse) printf 'flowbatch: module %s: module files are not read here, names are mapped in flow.toml\n' "$flow_verb" >&2;;
 save|restore|refresh|update|config|--version|-V) ;;
 *) printf 'flowbatch: module %s: no such subcommand here\n' "$flow_verb" >&2; flow_status=1;;
 esac
 return $flow_status
}""".replace("$LOADED", "${" + LOADED + ":-}")

ML_TEXT = r"""() {
 [ $# -gt 0 ] || { module list; return; }
 case $1 in
 load|add|unload|rm|del|remove|purge|reset|list|avail|av|spider|show|display|use|unuse|swap|switch|save|restore|is-loaded|help|whatis|keyword) module "$@"; return;;
 esac
 local flow_word
 for flow_word; do
  case $flow_word in -?*) module unload "${flow_word#-}";; *) module load "$flow_word";; esac
 done
}"""


def functions(
    mapping: Mapping[str, Any], image: str, spool: Path, environment: Mapping[bytes, bytes]
) -> dict[bytes, bytes]:
    """The variables that make `module` and `ml` known to bash; none where the job's environment brings its own.

    `mapping`: `unmapped` ("warn" or "fail") and `names`: what each stands for (`set`, `prepend`, `image`). `image`: the one that the job runs in.
    """
    if MODULE in environment or b"BASH_FUNC_module()" in environment:
        return {}
    names = mapping.get("names", {})
    arms = "\n".join(arm for name, means in sorted(names.items()) for arm in _arms(name, means, image))
    text = (
        TEMPLATE.replace("@ARMS@", arms)
        .replace("@NAMES@", " ".join(shlex.quote(f"  {name}") for name in sorted(names)) or "'  none'")
        .replace("@UNMAPPED@", _unmapped(mapping.get("unmapped") == "fail", spool / UNMAPPED_FILE))
    )
    return {MODULE: os.fsencode(text), ML: os.fsencode(ML_TEXT)}


def unmapped(spool: str) -> tuple[str, ...]:
    """The names that the script loaded and nobody mapped, in their order."""
    try:
        with open(os.path.join(spool, UNMAPPED_FILE), "rb") as file:
            words = file.read(LONGEST_NAME * MOST_NAMES).decode(errors="backslashreplace").splitlines()
    except OSError:
        return ()
    return tuple(dict.fromkeys(word[:LONGEST_NAME] for word in words if word))[:MOST_NAMES]


def _arms(name: str, means: Mapping[str, Any], image: str) -> Iterator[str]:
    """What loading and unloading it does. A name without a version stands for all of them."""
    patterns = [shlex.quote(name)] if "/" in name else [shlex.quote(name), shlex.quote(name) + "/*"]
    wanted = means.get("image")
    if wanted and wanted != image:
        words = f"flowbatch: module %s is an image here: submit the job with #FLOW --image={wanted}\\n"
        yield f'   {_either("load", patterns)}) printf {shlex.quote(words)} "$flow_name" >&2; flow_status=1; continue;;'
        return
    loads, unloads = list(_settings(means)), list(_unsettings(means))
    yield f"   {_either('load', patterns)}) {'; '.join(loads) or ':'};;"
    yield f"   {_either('unload', patterns)}) {'; '.join(unloads) or ':'};;"


def _either(verb: str, patterns: Sequence[str]) -> str:
    return "|".join(f"{verb}:{pattern}" for pattern in patterns)


def _settings(means: Mapping[str, Any]) -> Iterator[str]:
    for name, value in means.get("set", {}).items():
        yield f"export {name}={shlex.quote(value)}"
    for name, folders in means.get("prepend", {}).items():
        yield f'export {name}={shlex.quote(":".join(folders))}"${{{name}:+:${name}}}"'


def _unsettings(means: Mapping[str, Any]) -> Iterator[str]:
    for name in means.get("set", {}):
        yield f"unset {name}"
    for name, folders in means.get("prepend", {}).items():
        before = shlex.quote(":".join(folders))
        yield f'export {name}="${{{name}#{before}}}"; {name}="${{{name}#:}}"'


def _unmapped(fails: bool, record: Path) -> str:
    """The name is noted beside the job, and said the first time that this happens, also to the script's own shells."""
    file = shlex.quote(str(record))
    words = "flowbatch: module %s is not mapped here, nothing was loaded (flow.toml, [modules])"
    note = f'{{ printf "%s\\n" "$flow_name" >> {file}; }} 2>/dev/null || :'
    if fails:
        return f'printf "{words}: the job ends\\n" "$flow_name" >&2; {note}; exit 1'
    said = f'printf "{words}\\n" "$flow_name" >&2; {note}'
    return f'grep -qxF -- "$flow_name" {file} 2>/dev/null || {{ {said}; }}; continue'
