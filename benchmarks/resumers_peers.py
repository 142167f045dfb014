"""Lightning's and Accelerate's ways to resume. As in resumers.py."""

from pathlib import Path


def lightning(task, folder: Path, stop: int | None) -> None:
    """Resume with Lightning's Trainer and ckpt_path."""
    from lightning import Callback, LightningModule, Trainer

    path = folder / "last.ckpt"

    class Module(LightningModule):
        def __init__(self):
            super().__init__()
            self.model = task.model

        def training_step(self, batch, index):
            inputs, targets = batch
            return task.loss_fn(self.model(inputs), targets)

        def configure_optimizers(self):
            scheduler = {"scheduler": task.scheduler, "interval": "step"}
            return {"optimizer": task.optimizer, "lr_scheduler": scheduler}

    class Stop(Callback):
        """Save at the end of an epoch, or in it."""

        def on_train_batch_end(self, trainer, *rest):
            if trainer.global_step == stop and stop % task.steps:
                self.save(trainer)

        def on_train_epoch_end(self, trainer, module):
            if trainer.global_step == stop:
                self.save(trainer)

        def save(self, trainer):
            trainer.save_checkpoint(path)
            trainer.should_stop = True

    trainer = Trainer(
        accelerator="cpu",
        max_epochs=task.epochs,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[Stop()],
    )
    found = path if path.exists() else None
    trainer.fit(Module(), task.loader, ckpt_path=found)


def accelerate(task, folder: Path, stop: int | None) -> None:
    """Resume with Accelerate: load_state, then skip_first_batches."""
    from accelerate import Accelerator, DataLoaderConfiguration

    # The sampler whose order follows from seed and epoch is Accelerate's own remedy.
    options = DataLoaderConfiguration(use_seedable_sampler=True)
    accelerator = Accelerator(
        cpu=True, dataloader_config=options, step_scheduler_with_optimizer=False
    )
    prepared = accelerator.prepare(
        task.model, task.optimizer, task.scheduler, task.loader
    )
    task.model, task.optimizer, task.scheduler, loader = prepared
    place, note, first = folder / "state", folder / "step.txt", 0
    if place.exists():
        accelerator.load_state(str(place))
        first = int(note.read_text())
    step = first
    task.model.train()
    for epoch in range(first // task.steps, task.epochs):
        loader.set_epoch(epoch)
        now = loader
        if epoch == first // task.steps and first % task.steps:
            now = accelerator.skip_first_batches(loader, first % task.steps)
        for inputs, targets in now:
            task.step(inputs, targets, accelerator.backward)
            step += 1
            if step == stop:
                accelerator.save_state(str(place))
                note.write_text(str(step))
                return
