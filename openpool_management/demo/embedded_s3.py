"""moto's S3 server inside this process: nothing of it can outlive the demo."""

import logging
from typing import Any

from openpool_management.adapters.s3_client import s3_client
from openpool_management.demo.demo_home import S3_KEY, DemoError


class EmbeddedS3:
    """An S3 server on a free port of 127.0.0.1 with one bucket, which keeps versions."""

    def __init__(self, bucket: str) -> None:
        """Start it. Raises DemoError when moto is not installed."""
        try:
            from moto.server import ThreadedMotoServer
        except ImportError as error:
            raise DemoError(
                'The embedded S3 server is not installed: run pip install -e ".[dev]".'
            ) from error
        _start_after_markers()
        # It would print a line for each request.
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server: Any = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.endpoint_url = f"http://{host}:{port}"
        client = s3_client(
            endpoint_url=self.endpoint_url, access_key_id=S3_KEY, secret_access_key=S3_KEY
        )
        client.create_bucket(Bucket=bucket)
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        client.close()

    def stop(self) -> None:
        """Stop answering."""
        self._server.stop()


def _start_after_markers() -> None:
    """Make listings of versions start where S3 starts them.

    moto leaves out the first version at or after a key marker that stands alone, where S3 leaves
    out the versions of the marker's key. A marker that is nothing's key is passed as the nearest
    key before it, with that key's oldest version.
    """
    from moto.s3.models import S3Backend

    if getattr(S3Backend.list_object_versions, "starts_after_markers", False):
        return
    inner = S3Backend.list_object_versions

    def list_object_versions(
        self: Any,
        bucket_name: str,
        delimiter: str | None = None,
        key_marker: str | None = None,
        max_keys: int | None = 1000,
        prefix: str = "",
        version_id_marker: str | None = None,
    ) -> Any:
        if key_marker and not version_id_marker and not delimiter:
            keys = self.get_bucket(bucket_name).keys
            key_marker = max((key for key in keys if key <= key_marker), default=None)
            if key_marker is not None:
                versions = keys.getlist(key_marker)
                version_id_marker = min(versions, key=lambda it: it.last_modified).version_id
        return inner(self, bucket_name, delimiter, key_marker, max_keys, prefix, version_id_marker)

    list_object_versions.starts_after_markers = True  # type: ignore[attr-defined]
    S3Backend.list_object_versions = list_object_versions  # type: ignore[method-assign]
