"""What the assets are partitioned by: one partition for each stream of the event log."""

import dagster as dg

STREAMS_NAME = "stream"
STREAMS = dg.DynamicPartitionsDefinition(name=STREAMS_NAME)
"""Keys are ``nodeType|region``. The sensor adds a stream when its first object appears."""

STREAM_TAG = "openpool/stream"
"""Run tag with the stream; dagster.yaml lets one run at a time have each of its values."""

PARTITION_TAG = "dagster/partition"
"""Run tag that Dagster itself gives a run of one partition, however it was started."""

LISTING_TAG = "openpool/listing"
"""Run tag, ``full`` for runs that list a stream from its very first key."""
