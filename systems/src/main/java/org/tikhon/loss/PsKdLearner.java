package org.tikhon.loss;

import java.util.Map;
import java.util.function.Function;
import org.tikhon.nn.Backbone;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Batch;
import org.tikhon.train.Checkpoint;
import org.tikhon.train.Setup;
import org.tikhon.train.SupervisedLearner;

/**
 * A classifier trained with {@link PsKdLoss}. One step of epoch t:
 *
 * <ol>
 *   <li>{@code past} from the teacher, the one-hot label in epoch 1;
 *   <li>{@code q = (1 - alpha_t) onehot(y) + alpha_t past};
 *   <li>{@code z = model(x)} in training mode, soft cross-entropy, step of the optimiser;
 *   <li>the teacher observes {@code softmax(z)}, as it was before the weights changed.
 * </ol>
 *
 * <p>The teacher is part of {@link #state}, without which resuming would change the targets. t is
 * the trainer's epoch, which a checkpoint holds too.
 *
 * <p>With mixup, {@code x' = lambda x + (1 - lambda) x_partner}, lambda from Beta(a, a), and the
 * targets are mixed alike ({@link PsKdLoss#mix}). Since a {@link PredictionMemory} then sees
 * predictions of mixed inputs only, lambda is made at least 1/2 and the prediction is stored for
 * the sample that prevails in the input (our choice; the paper leaves it open).
 */
public final class PsKdLearner extends SupervisedLearner {
  private static final String TEACHER = "ps-kd.teacher.";

  private final int classes;
  private final ProgressiveSchedule schedule;
  private final SelfTeacher teacher;
  private final double mixupAlpha;
  private int epoch = 1;

  /**
   * @param schedule its length must be that of the training, {@link Setup#epochs}
   * @param teacher makes the teacher of the network, for example {@code SnapshotTeacher::new}
   * @param mixupAlpha the parameter a of mixup's Beta distribution; 0 trains on the samples as they
   *     are
   */
  public PsKdLearner(
      Setup setup,
      ProgressiveSchedule schedule,
      Function<Backbone, SelfTeacher> teacher,
      double mixupAlpha) {
    super(setup);
    if (schedule.epochs() != setup.epochs()) {
      throw new IllegalArgumentException(
          "schedule must have the training's %d epochs, has %d"
              .formatted(setup.epochs(), schedule.epochs()));
    }
    if (!(mixupAlpha >= 0) || Double.isInfinite(mixupAlpha)) {
      throw new IllegalArgumentException("mixupAlpha must be 0 or more, was " + mixupAlpha);
    }
    this.classes = setup.classes();
    this.schedule = schedule;
    this.teacher = teacher.apply(model());
    this.mixupAlpha = mixupAlpha;
  }

  @Override
  public double step(Batch batch, double progress) {
    epoch = (int) progress + 1;
    return super.step(batch, progress);
  }

  @Override
  protected Tensor loss(Batch batch) {
    Tensor x = model().embed(batch.inputs());
    Tensor labels = Functional.oneHot(batch.targets(), classes).to(x.dtype());
    Tensor past = epoch == 1 ? labels : teacher.past(batch);
    Tensor q = PsKdLoss.targets(labels, past, schedule.alpha(epoch));
    if (mixupAlpha > 0) {
      double drawn = rng().beta(mixupAlpha, mixupAlpha);
      double lambda = Math.max(drawn, 1 - drawn);
      Tensor partner = rng().permutation(x.size(0));
      x = x.lerp(x.indexSelect(0, partner), 1 - lambda);
      q = PsKdLoss.mix(q, partner, lambda);
    }
    Tensor logits = outputsOfEmbedded(x);
    Tensor loss = PsKdLoss.loss(logits, q);
    // A training that diverges is the trainer's to report; the teacher keeps what it had.
    if (Double.isFinite(loss.item())) {
      teacher.observe(batch, logits.detach().softmax(1));
    }
    return loss;
  }

  @Override
  public void epochEnd(int epochFromZero) {
    teacher.epochEnd();
  }

  public SelfTeacher teacher() {
    return teacher;
  }

  @Override
  public Map<String, Tensor> state() {
    Map<String, Tensor> state = super.state();
    teacher.state().forEach((name, t) -> state.put(TEACHER + name, t));
    return state;
  }

  @Override
  public void load(Map<String, Tensor> state) {
    super.load(state);
    teacher.load(Checkpoint.part(state, TEACHER));
  }
}
