"""A job in a container: the script that runs `docker run`, where the job named an image. Pure text, run by the machine's node."""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Iterable

ECR = re.compile(r"^(\d+\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com)/")
GOOGLE = re.compile(r"^((?:[a-z]+\.)?gcr\.io|[a-z0-9-]+-docker\.pkg\.dev)/")

SCRIPT = """#!/bin/bash
# flowbatch: the job's script, in a container
_image={image}
command -v docker >/dev/null || {{ echo "flowbatch: there is no docker on this machine: $_image cannot be run" >&2; exit 127; }}
{login}_inside="${{0%/*}}/inside"
base64 -d > "$_inside" <<'END'
{script}
END
chmod 755 "$_inside"
_named=()
while read -r _name; do
  case $_name in PATH|HOSTNAME|SHLVL|_) ;; *) _named+=(--env "$_name") ;; esac
done < <(compgen -e)
_gpus=({gpus})
exec {command} "${{_named[@]}}" "${{_gpus[@]}}" --volume "$_inside:$_inside:ro" --workdir "$PWD" --entrypoint "" "$_image" "$_inside" "$@"
"""

ECR_LOGIN = """aws ecr get-login-password --region {region} | docker login --username AWS --password-stdin {registry} >/dev/null || {{
  echo "flowbatch: cannot log in to {registry}: the job's environment needs AWS credentials, the machine the aws command" >&2; exit 126
}}
"""

GOOGLE_LOGIN = """if [ -r "${{GOOGLE_APPLICATION_CREDENTIALS:-}}" ]; then
  docker login --username _json_key --password-stdin https://{registry} < "$GOOGLE_APPLICATION_CREDENTIALS" >/dev/null
else
  gcloud auth print-access-token | docker login --username oauth2accesstoken --password-stdin https://{registry} >/dev/null
fi || {{ echo "flowbatch: cannot log in to {registry}: name a key file in GOOGLE_APPLICATION_CREDENTIALS" >&2; exit 126; }}
"""

ALL_GPUS = "$(command -v nvidia-smi >/dev/null && echo --gpus all)"


def script(
    image: str, inside: bytes, *, name: str, uid: int, gid: int, gpus: Iterable[int], shared: Iterable[str]
) -> bytes:
    """The batch script that runs `inside` in the image, as the same user, with the directories `shared` at their paths.

    Signals reach the container's first process through `docker run`, whose exit code is the script's.
    """
    devices = ",".join(map(str, gpus))
    return SCRIPT.format(
        image=shlex.quote(image),
        login=login(image),
        script=base64.encodebytes(inside).decode().rstrip("\n"),
        gpus=f"--gpus '\"device={devices}\"'" if devices else ALL_GPUS,
        command=shlex.join(command(name, uid, gid, shared)),
    ).encode()


def command(name: str, uid: int, gid: int, shared: Iterable[str]) -> tuple[str, ...]:
    """How `docker run` begins, whatever the image."""
    volumes = (word for path in dict.fromkeys(shared) for word in ("--volume", f"{path}:{path}"))
    return (
        "docker", "run", "--rm", "--init", "--name", name, "--network", "host", "--ipc", "host", "--ulimit", "memlock=-1",
        "--user", f"{uid}:{gid}", *volumes,
    )  # fmt: skip


def login(image: str) -> str:
    """The lines that log in to the image's registry, where it is a private one of Amazon or Google."""
    if found := ECR.match(image):
        return ECR_LOGIN.format(registry=found[1], region=found[2])
    if found := GOOGLE.match(image):
        return GOOGLE_LOGIN.format(registry=found[1])
    return ""
