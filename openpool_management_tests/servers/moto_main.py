"""moto's S3 server, with the listing of versions starting where S3 starts it.

Run as a script: ``python moto_main.py -H 127.0.0.1 -p PORT``; port 0 is a free one, which it tells.
"""

from typing import Any

from moto.s3.models import S3Backend
from moto.server import main

_list_object_versions = S3Backend.list_object_versions


def list_object_versions(
    self: S3Backend,
    bucket_name: str,
    delimiter: str | None = None,
    key_marker: str | None = None,
    max_keys: int | None = 1000,
    prefix: str = "",
    version_id_marker: str | None = None,
) -> Any:
    """List what comes after all versions of key_marker.

    moto leaves out the first version at or after a marker that stands alone, though S3 leaves out
    the marker's own versions only. So the marker is replaced by the last version that lies behind.
    """
    if key_marker and not version_id_marker and not delimiter:
        passed = [key for key in self.get_bucket(bucket_name).keys if key <= key_marker]
        key_marker = max(passed, default=None)
        if key_marker is not None:
            versions = self.get_bucket(bucket_name).keys.getlist(key_marker)
            newest_first = sorted(versions, key=lambda it: it.last_modified, reverse=True)
            version_id_marker = newest_first[-1].version_id
    return _list_object_versions(
        self, bucket_name, delimiter, key_marker, max_keys, prefix, version_id_marker
    )


if __name__ == "__main__":
    S3Backend.list_object_versions = list_object_versions  # type: ignore[method-assign]
    main()
