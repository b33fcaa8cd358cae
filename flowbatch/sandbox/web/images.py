"""What an instance's disk is made from. The sandbox's instances see this machine's own system, whatever the image's name."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from flowbatch.sandbox.market.catalogue import REGIONS

router = APIRouter()

DEFAULT = "imgver_Sandbox22x04LTS0"


class ImageVersionModel(BaseModel):
    image_version_fid: str
    image_version_name: str
    os: str
    kernel: str
    stable: bool
    supported_regions: list[str]
    deactivated_at: str | None = None
    nvidia_driver: str | None = None
    cuda: str | None = None
    cuda_toolkit: str | None = None
    nvidia_container_toolkit: str | None = None
    packages: str | None = None


VERSIONS = (
    ImageVersionModel(
        image_version_fid=DEFAULT, image_version_name="ubuntu-22.04-sandbox", os="Ubuntu 22.04", kernel="5.15",
        stable=True, supported_regions=list(REGIONS), nvidia_driver="535", cuda="12.2",
    ),
    ImageVersionModel(
        image_version_fid="imgver_Sandbox24x04LTS0", image_version_name="ubuntu-24.04-sandbox", os="Ubuntu 24.04",
        kernel="6.8", stable=False, supported_regions=list(REGIONS), nvidia_driver="550", cuda="12.4",
    ),
)  # fmt: skip
KNOWN = frozenset(version.image_version_fid for version in VERSIONS)


@router.get("/v2/image-versions")
async def image_versions() -> list[ImageVersionModel]:
    return list(VERSIONS)


@router.get("/v2/mcc-image-versions")
async def mcc_image_versions(region: str) -> list[ImageVersionModel]:
    return [version for version in VERSIONS if region in version.supported_regions]
