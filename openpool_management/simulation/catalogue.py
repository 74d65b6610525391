"""The work on offer: AI pipelines with their models, video segments with their renditions."""

from dataclasses import dataclass
from random import Random

from openpool_management.simulation.layout import quoted

TRANSCODE = "transcode"
LIVE_VIDEO = "live-video-to-video"

_SIZES = (512 * 512, 768 * 768, 1024 * 576, 1024 * 1024)
_FREE_ONE_IN = 64
_VARIANTS = 512


@dataclass(frozen=True, slots=True)
class Units:
    """An amount of work and its price. text holds both, ready for the payload of job-processed."""

    compute_units: int
    fees_wei: int
    text: str


@dataclass(frozen=True, slots=True)
class Offer:
    """One model of one pipeline. received is the payload text behind the worker's address."""

    pipeline: str
    model: str
    response_ns: int
    variants: tuple[Units, ...]
    received: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A video segment to transcode. before and behind are the payload texts around the address."""

    compute_units: int
    fees_wei: int
    duration_ms: int
    before: str
    behind: str


_PIPELINES = (
    # pipeline, model, price in wei a unit, response in ms, how often
    ("text-to-image", "ByteDance/SDXL-Lightning", 4_768_395, 1_400, 5),
    ("text-to-image", "SG161222/RealVisXL_V4.0_Lightning", 4_768_395, 1_800, 4),
    ("image-to-image", "timbrooks/instruct-pix2pix", 4_768_371, 2_600, 2),
    ("image-to-video", "stabilityai/stable-video-diffusion-img2vid-xt", 3_390_842, 9_000, 1),
    ("upscale", "stabilityai/stable-diffusion-x4-upscaler", 4_768_371, 3_900, 1),
    ("audio-to-text", "openai/whisper-large-v3", 12_882_811, 2_100, 2),
    ("llm", "meta-llama/Meta-Llama-3.1-8B-Instruct", 38_000_003, 3_300, 3),
    ("segment-anything-2", "facebook/sam2-hiera-large", 1_025_311, 700, 1),
    ("text-to-speech", "parler-tts/parler-tts-large-v1", 1_144_409, 1_500, 1),
)


def ai_offers(rng: Random) -> list[Offer]:
    """What an AI orchestrator offers, the popular more often."""
    offers = []
    for pipeline, model, price_wei, response_ms, weight in _PIPELINES:
        variants = tuple(_ai_units(rng, pipeline, model, price_wei) for _ in range(_VARIANTS))
        offer = Offer(
            pipeline, model, response_ms * 1_000_000, variants, _received(pipeline, model)
        )
        offers.extend([offer] * weight)
    return offers


def live_video_offer() -> Offer:
    """The pipeline that is received and never processed."""
    model = "streamdiffusion"
    return Offer(LIVE_VIDEO, model, 0, (), _received(LIVE_VIDEO, model))


def segments(rng: Random) -> list[Segment]:
    """What a transcoding orchestrator is sent."""
    return [_segment(rng) for _ in range(_VARIANTS)]


def _ai_units(rng: Random, pipeline: str, model: str, base_price_wei: int) -> Units:
    match pipeline:
        case "audio-to-text":
            units = rng.randint(800, 180_000)  # milliseconds
        case "llm":
            units = rng.randint(20, 4_096)  # tokens
        case "text-to-speech":
            units = 1_000 * rng.randint(12, 600)  # characters
        case "image-to-video":
            units = rng.choice(_SIZES) * rng.choice((14, 25))
        case _:
            units = rng.choice(_SIZES) * rng.choice((1, 1, 1, 2, 3, 4))
    # Prices follow an exchange rate, and are floored to whole wei: nothing is a legal price.
    free = rng.randrange(_FREE_ONE_IN) == 0
    price_wei = 0 if free else base_price_wei + rng.randint(-40, 40)
    fees_wei = units * price_wei
    text = (
        f'"computeUnits": {units},\n      "fees": {fees_wei},\n      "modelID": {quoted(model)},'
        f'\n      "pipeline": {quoted(pipeline)},\n      "pricePerComputeUnit": {price_wei},'
        f'\n      "requestID": "'
    )
    return Units(units, fees_wei, text)


def _received(pipeline: str, model: str) -> str:
    return (
        f'",\n      "modelID": {quoted(model)},\n      "pipeline": {quoted(pipeline)},'
        f'\n      "requestID": "'
    )


def _segment(rng: Random) -> Segment:
    renditions = rng.sample((426 * 240, 640 * 360, 854 * 480, 1280 * 720, 1920 * 1080), k=3)
    duration_ms = rng.choice((2_000, 2_000, 2_000, 1_967, 4_000, 8_000))
    frames = duration_ms * rng.choice((24, 30, 30, 60)) // 1_000 + rng.randint(-1, 1)
    units = sum(renditions) * frames
    price_wei = 0 if rng.randrange(_FREE_ONE_IN) == 0 else rng.randint(45, 55)
    fees_wei = units * price_wei
    return Segment(
        compute_units=units,
        fees_wei=fees_wei,
        duration_ms=duration_ms,
        before=f'"computeUnits": {units},\n      "duration": {duration_ms},\n      "ethAddress": "',
        behind=(
            f'",\n      "fees": {fees_wei},\n      "pricePerComputeUnit": {price_wei},'
            f'\n      "realTimeRatio": '
        ),
    )
