"""Frames of a video by time: decoded once, in order, with bounded memory."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from assay.errors import DamagedMediaError, UnsupportedMediaError
from assay.media.animation import read_animation
from assay.media.container import (
    MAX_FRAME_PIXELS,
    choose_video,
    only,
    open_container,
    require_decoder,
    start_s,
)
from assay.media.files import reopen
from assay.media.image import refuse_large
from assay.media.sampling import Wishes
from assay.media.sniff import FORMATS
from assay.types import Frame, Media

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from assay.types import Array

    _Timed = tuple[VideoFrame, float]

_JUMP_GAP_S = 3.0
# A program stream does not time each frame: behind a jump the first ones are a frame or two off.
_JUMP_GAPS_S = {"mpeg": 30.0}
_JUMP_GAIN_S = 0.3
_DEEPER_S = (0.0, 2.0, 10.0, 60.0)
_MAX_FAULTS = 1000
_MAX_WAIT_PACKETS = 600
_THREADED_PIXELS = 9_500_000
# In HEVC a frame without followers may still have some in a higher temporal layer.
_DROPPABLE = {"h264", "mpeg1video", "mpeg2video", "mpeg4"}
# Packets say only when they are decoded; frames come out in order, all equally late.
_WITHOUT_PRESENTATION_TIMES = {"avi", "mpegvideo"}
_BT709, _BT601 = 1, 5
_HD_HEIGHT_PX = 720


def read_frames(
    media: Media, times_s: tuple[float, ...], check: Callable[[], None]
) -> Iterator[Frame]:
    """The frame at, or first after, each wanted time; ascending, none twice.

    Gaps are jumped over by key frames, near times are decoded through. Rotation is applied,
    alpha laid over white, deep colour reduced to eight bits. `check` is called for every packet
    and may raise. What is damaged is passed over; where the file ends early its last frame
    stands for the times that are left. Raises DamagedMediaError where no frame can be decoded.
    """
    if not times_s:
        return
    if "animated" in media.notes:
        yield from read_animation(media, times_s, check)
        return
    with reopen(media) as file, open_container(file, FORMATS[media.container]) as container:
        stream = choose_video(container)
        if stream is None:
            raise UnsupportedMediaError("The file holds no video.")
        require_decoder(stream)
        refuse_large((stream.width, stream.height), MAX_FRAME_PIXELS / 1e6, media.name)
        yield from _Reading(container, stream, media, times_s, check).frames()


class _Reading:
    """One pass over one stream."""

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        media: Media,
        times_s: tuple[float, ...],
        check: Callable[[], None],
    ) -> None:
        only(container, stream)
        _limit_decoder(stream)
        self.container, self.stream, self.media, self.check = container, stream, media, check
        self.base = float(stream.time_base or 1)
        self.origin_s = start_s(container)
        self.step_s = 1 / media.fps if media.fps else 0.0
        self.wishes = Wishes(times_s, slack_s=min(self.step_s / 2, 0.02) or 1e-4)
        self.keys_s = self._key_times_s()
        self.may_jump = True
        self.waits_for_key = False
        self.n_faults = 0
        self.n_yielded = 0
        self.by_decoding_time = media.container in _WITHOUT_PRESENTATION_TIMES
        self.delay_s = 0.0
        self.now_s = 0.0
        self.clock_s: float | None = 0.0
        self.last: _Timed | None = None

    def frames(self) -> Iterator[Frame]:
        """All wanted frames."""
        run = self._from_the_start()
        while (wanted_s := self.wishes.next_s) is not None:
            if self._is_worth_a_jump(wanted_s):
                run = self._jump(wanted_s)
            found = self._find(run)
            if found is None:
                break
            yield self._as_frame(found)
        if self.last is not None:
            yield self._as_frame(self.last)
        if not self.n_yielded:
            raise DamagedMediaError("No frame of the video can be decoded.")

    def _from_the_start(self) -> Iterator[_Timed]:
        """Frames from the first on, which tells by how much all come late."""
        run = self._decoded()
        first = next(run, None) if self.by_decoding_time else None
        if first is None:
            return run
        self.delay_s, self.clock_s = first[1], 0.0
        return chain(((first[0], 0.0),), run)

    def _find(self, run: Iterator[_Timed]) -> _Timed | None:
        """The first frame that meets a wish; None at the end, the last one is then in `last`."""
        for timed in run:
            self.now_s = timed[1]
            if self.wishes.met_by(self.now_s):
                self.last = None
                return timed
            self.last = timed
        return None

    def _key_times_s(self) -> list[float]:
        """When key frames come (decoding time); [] where the index is not complete."""
        entries = self.stream.index_entries
        if not len(entries) or len(entries) != self.stream.frames:
            return []
        return [e.timestamp * self.base - self.origin_s for e in entries if e.is_keyframe]

    def _is_worth_a_jump(self, wanted_s: float) -> bool:
        if not self.may_jump:
            return False
        if not self.keys_s:
            return wanted_s - self.now_s > _JUMP_GAPS_S.get(self.media.container, _JUMP_GAP_S)
        key = bisect_right(self.keys_s, wanted_s) - 1
        return key >= 0 and self.keys_s[key] - self.now_s > _JUMP_GAIN_S

    def _jump(self, wanted_s: float) -> Iterator[_Timed]:
        """Go to a key frame before a time; further back while that lands behind the time.

        Where no jump lands anywhere, the way leads through the whole file once.
        """
        before_s = self.now_s
        for deeper_s in _DEEPER_S:
            target_s = max(before_s, wanted_s - self.wishes.slack_s - deeper_s)
            self._seek(target_s)
            run = self._decoded()
            first = next(run, None)
            if first is None:
                continue
            is_early = first[1] <= wanted_s + self.wishes.slack_s
            if is_early or target_s <= before_s or deeper_s == _DEEPER_S[-1]:
                # A jump that lands no further than before has cost more than it gained.
                self.may_jump = self.may_jump and first[1] > before_s
                return chain((first,), run)
        self._seek(-_DEEPER_S[-1])
        self.may_jump = self.waits_for_key = False
        return self._decoded()

    def _seek(self, target_s: float) -> None:
        import av

        ticks = int((target_s + self.origin_s) / self.base)
        try:
            self.container.seek(ticks, stream=self.stream, backward=True)
        except av.error.FFmpegError:
            self.may_jump = False
        self.waits_for_key = True
        self.clock_s = None

    def _packets(self) -> Iterator[Packet]:
        """Packets until the end; the demuxer is asked again after a fault."""
        import av

        while self.n_faults < _MAX_FAULTS:
            try:
                yield from self.container.demux(self.stream)
                return
            except (av.error.FFmpegError, OSError):
                self.n_faults += 1

    def _decoded(self) -> Iterator[_Timed]:
        """Frames without known damage and their times, from where the file stands to its end."""
        import av

        n_waited = 0
        for packet in self._packets():
            self.check()
            if self.waits_for_key and packet.size and n_waited < _MAX_WAIT_PACKETS:
                n_waited += 1
                if not packet.is_keyframe:
                    continue
            self.waits_for_key = False
            self._ease(packet)
            try:
                frames = self.stream.codec_context.decode(packet)
            except (av.error.FFmpegError, ValueError):
                continue
            for frame in frames:
                self.clock_s = self._time_s(frame)
                if self.clock_s is not None and not frame.is_corrupt:
                    yield frame, self.clock_s

    def _ease(self, packet: Packet) -> None:
        """Let the decoder leave out unwanted frames that no other frame is built on."""
        context = self.stream.codec_context
        if context.name not in _DROPPABLE or self.by_decoding_time:
            return
        wanted_s = self.wishes.next_s
        is_early = (
            wanted_s is not None
            and packet.pts is not None
            and packet.pts * self.base - self.origin_s < wanted_s - self.wishes.slack_s - 1e-6
        )
        mode: Literal["NONREF", "DEFAULT"] = "NONREF" if is_early else "DEFAULT"
        if context.skip_frame != mode:
            context.skip_frame = mode

    def _time_s(self, frame: VideoFrame) -> float | None:
        """When a frame is shown; None for one without a time next to a jump."""
        ticks = frame.dts if self.by_decoding_time else frame.pts
        if ticks is None:
            return None if self.clock_s is None else self.clock_s + self.step_s
        base = self.base if self.by_decoding_time else float(frame.time_base or self.base)
        return ticks * base - self.origin_s - self.delay_s

    def _as_frame(self, timed: _Timed) -> Frame:
        time_s = max(0.0, timed[1])
        index = self.n_yielded
        if self.media.fps and "variable_frame_rate" not in self.media.notes:
            index = round(time_s * self.media.fps)
        self.n_yielded += 1
        return Frame(index, time_s, as_rgb(timed[0]))


def _limit_decoder(stream: VideoStream) -> None:
    """Two threads, since each holds frames of its own; one where a frame is very large."""
    context = stream.codec_context
    small = context.width * context.height <= _THREADED_PIXELS
    context.thread_count = 2 if small else 1
    context.thread_type = "AUTO"
    context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}


def as_rgb(frame: VideoFrame) -> Array:
    """(h, w, 3) uint8 of a decoded frame, upright, by the colour matrix that it names."""
    import numpy as np

    colours = _colours(frame)
    if any(component.is_alpha for component in frame.format.components):
        rgba = frame.to_ndarray(format="rgba", **colours).astype(np.uint16)
        alpha = rgba[:, :, 3:]
        rgb: Any = ((rgba[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    else:
        rgb = frame.to_ndarray(format="rgb24", **colours)
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(rgb, turns)) if turns else rgb


def _colours(frame: VideoFrame) -> dict[str, Any]:
    """swscale assumes the matrix of standard definition where it is not told."""
    if frame.format.is_rgb:
        return {}
    guess = _BT709 if frame.height >= _HD_HEIGHT_PX else _BT601
    known = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
    return {"src_colorspace": known.get(int(frame.colorspace), guess)}
