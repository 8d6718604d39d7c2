"""Training of any network on any batches: loss, optimiser and schedule of one's own, precision, checkpoints, ranks."""

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from dnmf.unfolding.batches import Batch, cause, check_batches, inputs_of, moved, one_number
from dnmf.unfolding.checkpoint import TrainingCheckpoint
from dnmf.unfolding.trainable import chosen_parameters
from dnmf.unfolding.training import Course, History, TrainConfig, TrainingState, fit_loop, project

Loss = Callable[[Any, Batch], Tensor]
Callback = Callable[[TrainingState], object]


def fit(
    network: nn.Module,
    loader: Iterable[Batch],
    loss: Loss,
    *,
    epochs: int = 100,
    optimizer: Callable[[list[nn.Parameter]], Optimizer] = torch.optim.Adam,
    scheduler: Callable[[Optimizer], LRScheduler] | None = None,
    schedule_by: str = "step",
    trainable: str | Sequence[str] | None = None,
    layer_weights: Sequence[float] | None = None,
    validation: Iterable[Batch] | None = None,
    autocast: torch.dtype | None = None,
    clip: float | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | Path | None = None,
    generator: torch.Generator | None = None,
) -> History:
    """Train a network: ``min over weights of the mean over batches of loss(network(inputs), batch)``.

    Parameters
    ----------
    network : module
        Trained in place, or one wrapped by ``DistributedDataParallel``. After every step ``project_nonnegative_()`` is
        called of every part that has it.
    loader : iterable of batches
        Read once an epoch: a DataLoader, or a list of batches. A batch is a tensor (the inputs), a tuple or list (the
        inputs come first) or a dict (the inputs are its entry ``"X"``).
    loss : callable(output, batch) -> tensor
        One number, a mean over the samples of the batch: batches weigh in an epoch's cost by their samples.
    epochs : int
        Passes over the loader.
    optimizer : callable(parameters) -> Optimizer
        For example ``partial(torch.optim.AdamW, lr=1e-4)``.
    scheduler : callable(optimizer) -> LRScheduler, optional
        For example ``partial(torch.optim.lr_scheduler.StepLR, step_size=10)``.
    schedule_by : {"step", "epoch"}
        When the scheduler steps.
    trainable : str or list of str, optional
        Names of parameters or modules, or patterns (``"layers.*.gram"``): all others stand still. Default: all.
    layer_weights : list of float, optional
        Deep supervision: the loss is ``sum_l layer_weights[l] loss(H_l, batch)`` with one weight a layer, as in
        :func:`factor_loss`; ``H_l`` are the states that ``network.iterates(inputs)`` has after the first, the start.
    validation : iterable of batches, optional
        Their mean loss (of the output alone) is watched: the weights of the best epoch, the untrained ones included,
        are restored at the end.
    autocast : torch.bfloat16 or torch.float16, optional
        Precision of the forward pass; with float16 gradients are scaled.
    clip : float, optional
        Largest norm of the gradient; a longer one is scaled to it.
    callbacks : list of callable(TrainingState)
        Called after every epoch; one that returns True ends the training.
    checkpoint : path, optional
        A folder. The training is kept there after every epoch, and goes on from there if the folder holds one: with
        the same bits as without an interruption, if all that is random is drawn from torch's global generator, from
        the loader's or from ``generator``.
    generator : torch.Generator, optional
        One that loader or loss draw from: it is kept in the checkpoint.

    Returns
    -------
    History
        The costs of all epochs, those before an interruption included.

    Raises
    ------
    ValueError
        If no parameter has a given name, the loss is not one number, the weights do not fit the layers, a batch has no
        samples, a pass no batches, or ``epochs`` or ``clip`` is out of range.
    TypeError
        If data are no batches, or an optimizer or scheduler is given instead of what makes it.
    FloatingPointError
        If a loss or a gradient is not finite, in training or validation. The message names batch and epoch; the network
        keeps the last good weights.
    CheckpointError
        If the checkpoint is of another network, optimiser or choice of trainable weights.

    Notes
    -----
    With ``DistributedDataParallel`` every rank calls it with its own part of the data; gradients and costs are averaged
    over ranks. Equal batches on all ranks train like one process on the joined batches.

    Examples
    --------
    >>> network = torch.nn.Linear(2, 1)
    >>> X = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> history = fit(network, [X], lambda H, X: (H - 1).square().mean(), epochs=3)
    >>> len(history.cost)
    3
    """
    bare = network.module if isinstance(network, DistributedDataParallel) else network
    if schedule_by not in ("step", "epoch"):
        raise ValueError(f"schedule_by must be 'step' or 'epoch', not {schedule_by!r}")
    if epochs < 0:
        raise ValueError(f"epochs must be at least 0, not {epochs}")
    if clip is not None and not clip > 0:
        raise ValueError(f"clip must be above 0, or None for none, not {clip}")
    for name, made in (("optimizer", optimizer), ("scheduler", scheduler)):
        if isinstance(made, Optimizer | LRScheduler):
            raise TypeError(
                f"{name} must be what makes one, such as partial(torch.optim.AdamW, lr=1e-3), not a ready "
                f"{type(made).__name__}: it is made for the parameters that train"
            )
    check_batches("loader", loader)
    if validation is not None:
        check_batches("validation", validation)
    chosen = chosen_parameters(bare, trainable)
    frozen = [p for name, p in bare.named_parameters() if name not in chosen and p.requires_grad]
    for parameter in frozen:
        parameter.requires_grad_(False)
    trainer = _Trainer(network, bare, loss, layer_weights, autocast, clip)
    trainer.prepare(optimizer, scheduler, schedule_by, list(chosen.values()))
    config = TrainConfig(epochs)
    kept = None if checkpoint is None else TrainingCheckpoint(Path(checkpoint))
    sources = [g for g in (generator, getattr(loader, "generator", None)) if g is not None]
    parts = trainer.parts()
    course = None if kept is None else kept.restore(bare, parts, sorted(chosen), sources)
    validate = None if validation is None else lambda: trainer.mean_loss(validation)
    if course is None:
        course = Course()
        if validate is not None:
            course.lowest = validate()
            course.best = {n: w.detach().clone() for n, w in bare.state_dict().items()}

    def after(course: Course) -> bool:
        if kept is not None and trainer.first_rank:
            kept.write(bare, parts, sorted(chosen), sources, course)
        history = course.history
        last = history.validation[-1] if history.validation else None
        state = TrainingState(
            course.epoch, epochs, history.cost[-1], last, network, trainer.optimiser, history
        )
        answers = [callback(state) for callback in callbacks]  # all of them are called
        return any(answer is True for answer in answers)

    def epoch() -> float:
        trainer.epoch = course.epoch + 1
        return trainer.train(loader)

    was_training = network.training
    network.train()
    try:
        return fit_loop(bare, epoch, config, validate=validate, course=course, after=after)
    finally:
        network.train(was_training)
        for parameter in frozen:
            parameter.requires_grad_(True)


class _Trainer:
    """One pass of training, one of validation, and the step between them."""

    optimiser: Optimizer
    schedule: LRScheduler | None
    by_step: bool

    def __init__(
        self,
        network: nn.Module,
        bare: nn.Module,
        loss: Loss,
        layer_weights: Sequence[float] | None,
        autocast: torch.dtype | None,
        clip: float | None,
    ) -> None:
        self.network, self.bare, self.loss, self.clip = network, bare, loss, clip
        self.layer_weights = layer_weights
        self.autocast = autocast
        self.distributed = network is not bare
        self.epoch = 1

    def prepare(
        self,
        optimiser: Callable[[list[nn.Parameter]], Optimizer],
        schedule: Callable[[Optimizer], LRScheduler] | None,
        schedule_by: str,
        parameters: list[nn.Parameter],
    ) -> None:
        if not parameters:
            raise ValueError("the network has no parameter that could be trained")
        self.parameters = parameters
        self.device = parameters[0].device
        self.optimiser = optimiser(parameters)
        self.schedule = None if schedule is None else schedule(self.optimiser)
        self.by_step = schedule_by == "step"
        scaled = self.autocast == torch.float16
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=scaled)

    def parts(self) -> dict[str, Any]:
        """Return what a checkpoint keeps beside the weights, by name."""
        parts = {"optimizer": self.optimiser, "scaler": self.scaler}
        return parts | ({} if self.schedule is None else {"scheduler": self.schedule})

    @property
    def first_rank(self) -> bool:
        return not self.distributed or torch.distributed.get_rank() == 0

    def train(self, loader: Iterable[Batch]) -> float:
        """Take a step on every batch; return the mean loss."""
        total, samples = 0.0, 0
        for number, given in enumerate(loader, start=1):
            batch = moved(given, self.device)
            try:
                inputs = inputs_of(batch)
                value = self._step(inputs, batch)
            except FloatingPointError as error:
                raise FloatingPointError(
                    f"{error} in batch {number} of epoch {self.epoch}: training stopped, the network keeps the last "
                    f"good weights. {cause(batch)}"
                ) from None
            except Exception as error:
                error.add_note(f"in batch {number} of epoch {self.epoch}")
                raise
            total += value * len(inputs)
            samples += len(inputs)
        if self.schedule is not None and not self.by_step:
            self.schedule.step()
        return self._mean(total, samples)

    def mean_loss(self, batches: Iterable[Batch]) -> float:
        """Return the mean loss of the network's output, without training."""
        total, samples = 0.0, 0
        training = self.bare.training
        self.bare.eval()
        with torch.no_grad():
            for number, given in enumerate(batches, start=1):
                batch = moved(given, self.device)
                try:
                    inputs = inputs_of(batch)
                    with self._precision():
                        value = one_number(self.loss(self.bare(inputs), batch))
                except Exception as error:
                    error.add_note(f"in batch {number} of the validation")
                    raise
                if not bool(value.isfinite()):
                    raise FloatingPointError(
                        f"the loss is {value.item()} in batch {number} of the validation. {cause(batch)}"
                    )
                total += value.item() * len(inputs)
                samples += len(inputs)
        self.bare.train(training)
        return self._mean(total, samples)

    def _step(self, inputs: Tensor, batch: Batch) -> float:
        self.optimiser.zero_grad()
        with self._precision():
            loss = self._training_loss(inputs, batch)
        self.scaler.scale(loss).backward()
        if self.distributed and self.layer_weights is not None:
            self._average_gradients()  # iterates() does not pass through the wrapper, which would
        self.scaler.unscale_(self.optimiser)
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, self.clip or math.inf)
        value = loss.item()
        if not math.isfinite(value):
            raise FloatingPointError(f"the loss is {value}")
        # A gradient that overflows in float16 is skipped by the scaler, which then scales less.
        if gradients and not self.scaler.is_enabled() and not bool(norm.isfinite()):
            raise FloatingPointError(f"the loss is {value:.6g}, and its gradient is not finite")
        self.scaler.step(self.optimiser)
        self.scaler.update()
        if self.schedule is not None and self.by_step:
            self.schedule.step()
        project(self.bare)
        return value

    def _training_loss(self, inputs: Tensor, batch: Batch) -> Tensor:
        if self.layer_weights is None:
            return one_number(self.loss(self.network(inputs), batch))
        states = self.bare.iterates(inputs)  # type: ignore[operator]
        if len(states) - 1 != len(self.layer_weights):
            raise ValueError(
                f"layer_weights: {len(self.layer_weights)} weights for {len(states) - 1} layers; the start has none"
            )
        losses = [
            weight * one_number(self.loss(state, batch))
            for weight, state in zip(self.layer_weights, states[1:], strict=True)
            if weight
        ]
        return torch.stack(losses).sum()

    def _precision(self) -> torch.autocast:
        return torch.autocast(
            self.device.type, dtype=self.autocast, enabled=self.autocast is not None
        )

    def _average_gradients(self) -> None:
        for parameter in self.parameters:
            if parameter.grad is not None:
                torch.distributed.all_reduce(parameter.grad)
                parameter.grad /= torch.distributed.get_world_size()

    def _mean(self, total: float, samples: int) -> float:
        if self.distributed:
            sums = torch.tensor([total, float(samples)], dtype=torch.float64, device=self.device)
            torch.distributed.all_reduce(sums)
            total, samples = sums[0].item(), int(sums[1].item())
        if not samples:
            raise ValueError(
                f"there are no batches in pass {self.epoch}: give a DataLoader or a list, which can be read again"
            )
        return total / samples
