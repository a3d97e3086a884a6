"""A unit of a streaming design: modules that move words, kernels between them, and valid bits beside both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import gcd, prod

import numpy as np

from trigcnn.hls.errors import ProofError
from trigcnn.hls.graph import definition
from trigcnn.hls.graph.definition import Elements
from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.hls.proof.checker import control
from trigcnn.hls.proof.checker.automaton import Automaton, Behaviour, Codes, Handshake
from trigcnn.hls.proof.checker.equivalence import Obligation
from trigcnn.hls.proof.checker.gathering import Gathering, check_hold
from trigcnn.hls.proof.checker.kernel import Ask, Feed, Kernel, Stream, Work, feedforward
from trigcnn.hls.proof.checker.netlist import Box, Netlist
from trigcnn.hls.proof.checker.service import service
from trigcnn.hls.proof.checker.times import Emission, Service, Times, emitted

_OUTPUTS = ("window", "rows", "columns", "out_data")
_COUNTS = ("index", "first", "last")


@dataclass(frozen=True)
class Task:
    """What a unit has to compute.

    Attributes:
        sources: Layers of the graph whose results come in, by the prefix of the unit's ports.
        layers: Layers that are computed together, each after those that feed it; none if words are passed on.
        then: Layers behind them that work on each number by itself.
    """

    sources: Mapping[str, str]
    layers: tuple[str, ...]
    then: tuple[str, ...]

    @property
    def result(self) -> str:
        """Name of the layer whose result comes out."""
        return (*self.sources.values(), *self.layers, *self.then)[-1]

    def check(self, graph: Graph) -> None:
        """Check that each layer reads those before it.

        Raises:
            ProofError: One does not, or is not in the graph.
        """
        known = list(self.sources.values())
        if not known or {*known, *self.layers, *self.then} - {layer.name for layer in graph.layers}:
            raise ProofError(
                f"a unit is said to compute {', '.join([*self.layers, *self.then])}, which is not all there"
            )
        for name in self.layers:
            if not set(graph[name].inputs) <= set(known):
                raise ProofError(f"layer {name} reads others than {', '.join(known)}")
            known.append(name)
        last = known[-1]
        for name in self.then:
            if tuple(graph[name].inputs) != (last,):
                raise ProofError(f"layer {name} does not read layer {last} alone")
            last = name


@dataclass
class Modules:
    """The modules of a design, with what is known of those that move words.

    Attributes:
        netlists: All modules.
        reset: Name of the reset.
        queues: Of each queue: how many words it can hold, and how many may wait at most, for every pattern of gaps.
    """

    netlists: Mapping[str, Netlist]
    reset: str
    queues: dict[str, tuple[int, int]] = field(default_factory=dict)
    _known: dict[tuple[str, int, int], Behaviour] = field(default_factory=dict)

    def behaviour(self, module: str, words_in: int, words_out: int) -> tuple[Behaviour, bool]:
        """Return what a module makes of words, and whether this was found now.

        Raises:
            ProofError: It does not make so many words of so many.
        """
        key = (module, words_in, words_out)
        new = key not in self._known
        if new:
            self._known[key] = self._behaviour(*key)
        return self._known[key], new

    def _behaviour(self, module: str, words_in: int, words_out: int) -> Behaviour:
        netlist = self.netlists[module]
        automaton = Automaton(netlist, self.reset, _handshake(netlist))
        try:
            found = automaton.behaviour(words_in, words_out)
        except ProofError:
            # It may work in shorter periods.
            common = gcd(words_in, words_out)
            if common == 1:
                raise
            found = automaton.behaviour(words_in // common, words_out // common)
        if automaton.hands.take is None:
            return found
        return replace(found, service=service(automaton, found.words_in, found.words_out))


def is_queue(netlist: Netlist) -> bool:
    """Return whether a module keeps words until they are taken."""
    return "take" in netlist.inputs


def _handshake(netlist: Netlist) -> Handshake:
    if "last" in netlist.outputs:
        return Handshake("", "in_valid", _COUNTS, "")
    given = tuple(name for name in _OUTPUTS if name in netlist.outputs)
    if is_queue(netlist):
        return Handshake("in_data", "in_valid", given, "out_valid", None, "take")
    return Handshake("in_data", "in_valid", given, "out_valid", "take" if "take" in netlist.outputs else None)


@dataclass(frozen=True)
class _Place:
    """A place at which words are given.

    Attributes:
        feed: What stands there.
        cycles: Clocks from there to the valid bit that was asked for.
        boxes: The modules that give them; none at the unit's ports.
        pooled: Whether the stream's words are pooled along rows already.
        asked: The numbers that the layers give before their last cast, if they were gathered word by word.
    """

    feed: Feed
    cycles: int
    boxes: tuple[Box, ...] = ()
    pooled: bool = False
    asked: Elements | None = None


class Unit:
    """A unit whose words are followed from its inputs to its output."""

    def __init__(
        self,
        modules: Modules,
        netlist: Netlist,
        name: str,
        task: Task,
        sources: Mapping[str, Stream],
        graph: Graph,
        ask: Ask,
    ) -> None:
        self.modules, self.netlist, self.name, self.task, self.sources = modules, netlist, name, task, sources
        self.graph, self.ask = graph, ask
        self.reset = netlist.inputs[modules.reset][0]
        self.shown: list[Obligation] = []
        # Queues and the words that come to them, by the valid bit of what they give.
        self._fed: dict[tuple[int, ...], tuple[Box, Stream]] = {}
        self._boxes = {box.ports["out_valid"][0]: box for box in netlist.boxes if "out_valid" in box.ports}
        self._counters = {box.ports["last"][0]: box for box in netlist.boxes if "last" in box.ports}
        self._main = graph[task.layers[-1]] if task.layers else None

    def result(self) -> Stream:
        """Prove that the unit computes its layers; return its words.

        Raises:
            RefutedError: It computes something else.
            ProofError: Something cannot be shown.
        """
        (valid,) = self.netlist.outputs["out_valid"]
        place = self._place(valid, self._words_out())
        if len(place.boxes) == 1 and is_queue(self.modules.netlists[place.boxes[0].module]):
            raise ProofError(f"{self.name}: nothing takes the words of {place.boxes[0].name}")
        last = () if self._main is None else (self._main,)
        layers = (*last, *(self.graph[name] for name in self.task.then))
        work = Work(self._asked(place), layers)
        return self._kernel("out", place, self.netlist.outputs["out_data"], work)

    def _words_out(self) -> int:
        shape = self.graph[self.task.result].shape
        return prod(shape[:-1])

    def _kernel(self, label: str, place: _Place, data: Sequence[int], work: Work) -> Stream:
        netlist = feedforward(self.netlist, data, place.cycles, place.feed)
        kernel = Kernel(netlist, place.feed, work, self.graph)
        try:
            stream, shown = kernel.prove(f"{self.name}/{label}", self.ask)
        except ProofError as error:
            raise ProofError(f"{self.name}: {error}") from error
        self.shown += shown
        return replace(stream, times=known(place.feed.times).later(place.cycles))

    def _place(self, valid: int, words_out: int) -> _Place:
        """Return the place at which words are given whose valid bit comes some clocks later as this one."""
        marks, cycles = self._origin(valid)
        if len(marks) == 2 and all(bit in self._boxes for bit in marks):
            return self._joined([self._boxes[bit] for bit in marks], marks, cycles)
        for prefix, stream in self.sources.items():
            if self.netlist.inputs[f"{prefix}_valid"] == marks:
                return _Place(identity(stream, self.netlist.inputs[f"{prefix}_data"]), cycles)
        if marks[0] in self._counters:
            return self._folded(self._counters[marks[0]], cycles)
        if len(marks) == 1 and marks[0] in self._boxes:
            return self._behind(self._boxes[marks[0]], cycles, words_out)
        raise ProofError(f"{self.name}: {self.netlist.name(marks[0])} is no valid bit of words that are known")

    def _origin(self, valid: int) -> tuple[tuple[int, ...], int]:
        """Return the bit, or two that must both be high, of which a valid bit comes some clocks later."""
        cycles = 0
        while valid in self.netlist.registers:
            marks = control.all_before(self.netlist, self.netlist.registers[valid], self.reset)
            cycles += 1
            if len(marks) > 1:
                return marks, cycles
            (valid,) = marks
        if valid not in self.netlist.driver:
            return (valid,), cycles
        marks = tuple(sorted(control.leaves(self.netlist, valid)))
        if len(marks) != 2 or not control.is_and(self.netlist, valid, marks):
            raise ProofError(f"{self.name}: {self.netlist.name(valid)} is no valid bit of words that are known")
        return marks, cycles

    def _joined(self, boxes: Sequence[Box], marks: tuple[int, ...], cycles: int) -> _Place:
        """Return the place behind two queues whose words are taken together."""
        order = list(self.sources)
        found: list[tuple[int, Box, Feed]] = []
        for box in boxes:
            (take,) = box.ports["take"]
            if not is_queue(self.modules.netlists[box.module]) or not control.is_and(self.netlist, take, marks):
                raise ProofError(f"{self.name}: {box.name} gives words that are not taken together with others")
            before = self._place(box.ports["in_valid"][0], 0)
            stream = self._moved(box, before)
            prefix = next(p for p in order if self.netlist.inputs[f"{p}_data"] == before.feed.leaves)
            found.append((order.index(prefix), box, self._given(box, stream, stream.words)))
        (_, left_box, left), (_, right_box, right) = sorted(found, key=lambda each: each[0])
        mine, theirs = known(left.stream.times), known(right.stream.times)
        together = mine.joined(theirs)
        self._wait(left_box, left.stream, mine.waiting_for(theirs))
        self._wait(right_box, right.stream, theirs.waiting_for(mine))
        if left.stream.words != right.stream.words:
            raise ProofError(f"{self.name}: it joins words of different numbers")
        offset = left.stream.bits
        moved = tuple(replace(channel, start=channel.start + offset) for channel in right.stream.channels)
        stream = Stream(left.stream.words, offset + right.stream.bits, (*left.stream.channels, *moved), together)
        return _Place(identity(stream, (*left.leaves, *right.leaves)), cycles, tuple(boxes))

    def _behind(self, box: Box, cycles: int, words_out: int) -> _Place:
        """Return the place behind a module."""
        netlist = self.modules.netlists[box.module]
        queue = is_queue(netlist)
        (valid,) = box.ports["in_valid"]
        behind = self._boxes.get(self._origin(valid)[0][0])
        windows = "window" in box.ports and behind is not None and "window" in behind.ports
        before = self._place(valid, prod(self._rows().shape[:-1]) if windows else words_out)
        if any(is_queue(self.modules.netlists[each.module]) for each in before.boxes):
            (fed,) = before.boxes
            if before.cycles or fed.ports["take"] != box.ports.get("take"):
                raise ProofError(f"{self.name}: {box.name} does not take what {fed.name} gives")
        stream = self._moved(box, before, pooled=windows)
        if queue:
            stream = replace(stream, times=known(stream.times).named(box.name))
            self._fed[box.ports["out_valid"]] = (box, stream)
        feed = self._given(box, stream, stream.words if queue else words_out)
        return _Place(feed, cycles, (box,), windows)

    def _folded(self, counter: Box, cycles: int) -> _Place:
        """Return the place behind a register that gathers words."""
        holds = [box for box in self.netlist.boxes if "enable" in box.ports]
        if len(holds) != 1:
            raise ProofError(f"{self.name}: it counts words, and has {len(holds)} registers that gather them")
        (hold,) = holds
        check_hold(self.modules.netlists[hold.module])
        before = self._place(counter.ports["in_valid"][0], self._steps())
        marks, late = self._origin(hold.ports["enable"][0])
        if before.cycles or marks != counter.ports["in_valid"]:
            raise ProofError(f"{self.name}: {hold.name} gathers other words than those that are counted")
        steps = len(before.feed.table)
        behaviour, new = self.modules.behaviour(counter.module, steps, steps)
        if new:
            self.shown.append(Obligation(f"{self.name}.{counter.name}", "all states", steps, behaviour.states))
        if self._main is None:
            raise ProofError(f"{self.name}: it gathers words, and is said to compute no layer")
        gathering = Gathering(before.feed, self._defined, self._main.shape[-1], hold.ports["out_data"])
        counts = [bit for name in _COUNTS for bit in counter.ports[name]]
        feed = gathering.feed(counts, np.tile(behaviour.bits, (steps // len(behaviour.bits), 1)), late, self.reset)
        netlist = feedforward(self.netlist, hold.ports["in_data"], late, feed)
        kernel = Kernel(netlist, feed, Work(gathering.partial, (self._main,), cast=False), self.graph)
        self.shown += kernel.check(f"{self.name}/{hold.name}", self.ask, gathering.channels)
        stream, asked = gathering.result()
        ends = Emission((steps - 1, 0), steps - 1, alone=False, gap=1)
        times = emitted(known(before.feed.times), [ends], steps).later(late + 1)
        stream = replace(stream, times=times)
        return _Place(identity(stream, hold.ports["out_data"]), cycles - late - 1, (), asked=asked)

    def _steps(self) -> int:
        """Return how many words are gathered: those that come, or the parts of which a serial unit splits them."""
        splitter = next(
            (
                box
                for box in self.netlist.boxes
                if "take" in box.ports and "out_valid" in box.ports and not is_queue(self.modules.netlists[box.module])
            ),
            None,
        )
        (stream,) = self.sources.values()
        if splitter is None:
            return stream.words
        width = len(splitter.ports["out_data"])
        return stream.words * (len(splitter.ports["in_data"]) // width)

    def _moved(self, box: Box, before: _Place, *, pooled: bool = False) -> Stream:
        """Return the words that come to a module."""
        if pooled:
            elements = definition.before_cast(self._rows(), [self._source(before.feed.stream)])
            work = Work(elements.reshape(-1, elements.shape[-1]), (self._rows(),), cast=False)
        else:
            work = Work(before.feed.stream.elements(), ())
            if len(before.feed.table) != len(work.elements):
                raise ProofError(f"{self.name}: {box.name} gets other words than those that came")
        return self._kernel(box.name, before, box.ports["in_data"], work)

    def _given(self, box: Box, stream: Stream, words_out: int) -> Feed:
        netlist = self.modules.netlists[box.module]
        try:
            behaviour, new = self.modules.behaviour(box.module, stream.words, words_out)
        except ProofError as error:
            raise ProofError(f"{self.name}, {box.name}: {error}") from error
        if new:
            self.shown.append(Obligation(f"{self.name}.{box.name}", "all states", words_out, behaviour.states))
        leaves = [bit for name in _OUTPUTS if name in netlist.outputs for bit in box.ports[name]]
        times = known(stream.times)
        if behaviour.service is not None:
            self._queued(box, behaviour.service)
            times = behaviour.service.given(times)
        elif not is_queue(netlist):
            times = emitted(times, behaviour.emissions, behaviour.words_in)
        return Feed(stream, tuple(leaves), _repeated(behaviour, stream, words_out), times=times)

    def _queued(self, box: Box, served: Service) -> None:
        """Note how many words may wait in the queue before a module."""
        fed = self._fed.pop(box.ports["in_valid"], None)
        if fed is None:
            raise ProofError(f"{self.name}: {box.name} does not take every word, and no queue is before it")
        queue, stream = fed
        self._wait(queue, stream, known(stream.times).waiting(served))

    def _wait(self, queue: Box, stream: Stream, most: int) -> None:
        size = self.modules.behaviour(queue.module, stream.words, stream.words)[0].capacity or 0
        self.modules.queues[f"{self.name}.{queue.name}"] = (size, most)

    def _source(self, stream: Stream) -> Elements:
        """Return the elements of the only source, in its shape."""
        (name,) = self.task.sources.values()
        return stream.elements().reshape(self.graph[name].shape)

    def _rows(self) -> Layer:
        """Return the pooling layer along rows alone, without a cast."""
        layer = self._main
        if layer is None or not layer.kind.startswith("Pooling"):
            raise ProofError(f"{self.name}: it has two line buffers, but does not pool")
        if layer.kind == "Pooling1D":
            return layer
        (name,) = self.task.sources.values()
        height = self.graph[name].shape[0]
        alone = {"pool_height": 1, "stride_height": 1, "pad_top": 0, "pad_bottom": 0}
        return replace(layer, attributes={**layer.attributes, **alone}, shape=(height, *layer.shape[1:]))

    def _asked(self, place: _Place) -> Elements:
        """Return the numbers of each word that comes out, before the last cast [words, channels]."""
        stream, layer = place.feed.stream, self._main
        if place.asked is not None:
            return place.asked
        if layer is None:
            return stream.elements()
        if place.pooled:
            if layer.kind == "Pooling1D":
                return stream.elements()
            alone = {"pool_width": 1, "stride_width": 1, "pad_left": 0, "pad_right": 0}
            rest = replace(layer, attributes={**layer.attributes, **alone})
            found = definition.before_cast(rest, [stream.elements().reshape(self._rows().shape)])
            return found.reshape(-1, found.shape[-1])
        return self._defined(stream.elements(), stream.ranges())

    def _defined(self, elements: Elements, ranges: dict[int, tuple[int, int]]) -> Elements:
        """Return what the layers give for the numbers of words [words, channels], before the last cast."""
        graph, layer = self.graph, self._main
        if layer is None:
            return elements
        known: dict[str, Elements] = {}
        start = 0
        for name in self.task.sources.values():
            shape = graph[name].shape
            known[name] = elements[:, start : start + shape[-1]].reshape(shape)
            start += shape[-1]
        for name in self.task.layers[:-1]:
            inputs = [known[each] for each in graph[name].inputs]
            known[name] = definition.results(graph[name], inputs, graph, ranges)
        inputs = [known[each] for each in layer.inputs]
        found = inputs[0] if layer.kind == "UnaryLUT" else definition.before_cast(layer, inputs)
        return found.reshape(-1, layer.shape[-1])


def identity(stream: Stream, leaves: Sequence[int]) -> Feed:
    """Return words as they stand on some bits."""
    table: Codes = np.arange(stream.words * stream.bits).reshape(stream.words, stream.bits)
    return Feed(stream, tuple(leaves), table, times=stream.times)


def known(times: Times | None) -> Times:
    """Return times that must be known."""
    if times is None:
        raise ProofError("it is not known when words come")
    return times


def _repeated(behaviour: Behaviour, stream: Stream, words_out: int) -> Codes:
    """Return a module's table for all words of an event."""
    periods = words_out // behaviour.words_out
    parts = []
    for number in range(periods):
        moved = behaviour.bits + number * behaviour.words_in * stream.bits
        parts.append(np.where(behaviour.bits >= 0, moved, behaviour.bits))
    return np.concatenate(parts)
