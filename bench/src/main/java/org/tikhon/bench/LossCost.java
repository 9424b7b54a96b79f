package org.tikhon.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.tikhon.adapt.Compander;
import org.tikhon.head.EbvHead;
import org.tikhon.head.EquiangularBasis;
import org.tikhon.head.GrassmannHead;
import org.tikhon.head.NormalizedSoftmaxHead;
import org.tikhon.head.NormalizedSoftmaxHead.Normalisation;
import org.tikhon.loss.CompSumLoss;
import org.tikhon.loss.MarginLabelSmoothing;
import org.tikhon.loss.NaclLoss;
import org.tikhon.loss.NeighbourPrior;
import org.tikhon.loss.StableMax;
import org.tikhon.loss.SvlsLoss;
import org.tikhon.loss.ZLoss;
import org.tikhon.nn.Linear;
import org.tikhon.nn.Mlp;
import org.tikhon.nn.Module;
import org.tikhon.nn.UNet;
import org.tikhon.optim.Adam;
import org.tikhon.optim.Optimizer;
import org.tikhon.optimize.PerpGrad;
import org.tikhon.robust.Ball;
import org.tikhon.robust.SmoothAdversarialLoss;
import org.tikhon.robust.TradesLoss;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Engine;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Functional.Reduction;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * What losses, heads and wrappers cost beside what they replace, forward and backward, in turns;
 * the first contestant of each group is the reference. Arguments: the rounds, then the groups to
 * run (all without any): logits, wide, heads, pixels, adversarial, optimizer, compander.
 */
public final class LossCost {
  private LossCost() {}

  public static void main(String[] args) throws Exception {
    int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 10;
    List<String> groups = List.of(args).subList(Math.min(1, args.length), args.length);
    System.out.println("threads " + Engine.threads());
    for (String group :
        groups.isEmpty()
            ? List.of("logits", "wide", "heads", "pixels", "adversarial", "optimizer", "compander")
            : groups) {
      try (Scope scope = Scope.open()) {
        System.out.println(group);
        switch (group) {
          case "logits" -> SideBySide.run(logits(512, 1000), rounds, 40);
          case "wide" -> SideBySide.run(logits(4096, 1000).subList(0, 2), rounds, 4);
          case "heads" -> SideBySide.run(heads(), rounds, 40);
          case "pixels" -> SideBySide.run(pixels(), rounds, 1);
          case "adversarial" -> SideBySide.run(adversarial(), rounds, 5);
          case "optimizer" -> SideBySide.run(optimizer(), rounds, 5);
          case "compander" -> SideBySide.run(compander(), rounds, 2);
          default -> throw new IllegalArgumentException("no group is called " + group);
        }
      }
    }
  }

  private static SideBySide.Contestant backward(
      String name, Tensor input, UnaryOperator<Tensor> loss) {
    return SideBySide.of(
        name,
        () -> {
          try (Scope scope = Scope.open()) {
            input.clearGrad();
            loss.apply(input).backward();
          }
        });
  }

  /** Losses of logits with labels. */
  private static List<SideBySide.Contestant> logits(long samples, long classes) {
    Rng rng = new Rng(0);
    Tensor z = rng.normal(samples, classes).setRequiresGrad(true);
    Tensor y = rng.integers(0, classes, samples);
    List<SideBySide.Contestant> all = new ArrayList<>();
    all.add(backward("cross-entropy", z, x -> Functional.crossEntropy(x, y)));
    all.add(backward("StableMax", z, x -> StableMax.crossEntropy(x, y, Reduction.MEAN)));
    for (double tau : new double[] {0.5, 1.5}) {
      CompSumLoss loss = new CompSumLoss(tau);
      all.add(backward("comp-sum tau " + tau, z, x -> loss.apply(x, y)));
    }
    ZLoss zLoss = new ZLoss(1, 0);
    all.add(backward("Z-loss", z, x -> zLoss.dense(x, y)));
    return all;
  }

  /** Heads for 1000 classes on 128 features, with cross-entropy. */
  private static List<SideBySide.Contestant> heads() {
    Rng rng = new Rng(0);
    int classes = 1000;
    int features = 128;
    Tensor x = rng.normal(512, features).setRequiresGrad(true);
    Tensor y = rng.integers(0, classes, 512);
    EquiangularBasis basis = EquiangularBasis.of(rng.normal(classes, features));
    Map<String, Module> heads = new LinkedHashMap<>();
    heads.put("linear head", new Linear(features, classes, rng));
    heads.put("EBV head", new EbvHead(basis));
    heads.put(
        "normalised softmax, projected",
        new NormalizedSoftmaxHead(features, classes, 10, Normalisation.PROJECT, rng));
    heads.put(
        "normalised softmax, in forward",
        new NormalizedSoftmaxHead(features, classes, 10, Normalisation.IN_FORWARD, rng));
    heads.put("linear head, 8000 outputs", new Linear(features, 8L * classes, rng));
    heads.put("Grassmann head, dimension 8", new GrassmannHead(features, classes, 8, rng));
    List<SideBySide.Contestant> all = new ArrayList<>();
    heads.forEach(
        (name, head) ->
            all.add(
                backward(
                    name,
                    x,
                    in -> {
                      head.parameters().forEach(Tensor::clearGrad);
                      return Functional.crossEntropy(head.forward(in), y);
                    })));
    return all;
  }

  /** A U-Net's step at 4 x 256 x 256, and the losses of its pixels with 4 classes. */
  private static List<SideBySide.Contestant> pixels() {
    Rng rng = new Rng(0);
    Tensor y = rng.integers(0, 4, 4, 256, 256);
    Tensor logits = rng.normal(4, 4, 256, 256).setRequiresGrad(true);
    Tensor image = rng.normal(4, 1, 256, 256).setRequiresGrad(true);
    UNet network = new UNet(1, List.of(8, 16, 32), 4, rng);
    List<SideBySide.Contestant> all = new ArrayList<>();
    all.add(
        backward(
            "U-Net with cross-entropy",
            image,
            x -> {
              network.parameters().forEach(Tensor::clearGrad);
              return Functional.crossEntropy(network.forward(x), y);
            }));
    all.add(backward("cross-entropy alone", logits, x -> Functional.crossEntropy(x, y)));
    NaclLoss nacl = new NaclLoss(4, 0.1);
    SvlsLoss svls = new SvlsLoss(4, 3, 1);
    MarginLabelSmoothing mbls = new MarginLabelSmoothing(5, 0.1);
    all.add(backward("NACL alone", logits, x -> nacl.apply(x, y).total()));
    all.add(backward("SVLS alone", logits, x -> svls.apply(x, y)));
    all.add(backward("MbLS alone", logits, x -> mbls.apply(x, y)));
    all.add(
        SideBySide.of(
            "class proportions, 3 x 3",
            () -> {
              try (Scope scope = Scope.open()) {
                NeighbourPrior.DEFAULT.proportions(y, 4);
              }
            }));
    all.add(
        SideBySide.of(
            "class proportions, unfolded",
            () -> {
              try (Scope scope = Scope.open()) {
                Tensor padded =
                    Functional.padReplicate(y.to(Dtype.FLOAT32).unsqueeze(1), 1, 1, 1, 1);
                Tensor windows = Functional.unfold(padded, 3, 1, 0, 1).to(Dtype.INT64);
                Functional.oneHot(windows, 4).to(Dtype.FLOAT32).mean(1);
              }
            }));
    return all;
  }

  /** A training step with attacks of five steps. */
  private static List<SideBySide.Contestant> adversarial() {
    Rng rng = new Rng(0);
    Tensor x = rng.uniform(128, 784);
    Tensor y = rng.integers(0, 10, 128);
    Mlp network = new Mlp(784, List.of(256, 128), 10, rng);
    Tensor first = network.parameters().getFirst();
    Ball ball = new Ball(Ball.Norm.L_INF, 0.1, 0, 1);
    TradesLoss trades = new TradesLoss(2, ball, 5);
    SmoothAdversarialLoss smooth = new SmoothAdversarialLoss(new CompSumLoss(1), 0.3, 0.5, ball, 5);
    return List.of(
        backward("TRADES", first, p -> trades.apply(network, x, y, rng)),
        backward("smooth adversarial", first, p -> smooth.apply(network, x, y, rng).total()));
  }

  /** AdamW's step for ten million parameters. */
  private static List<SideBySide.Contestant> optimizer() {
    Rng rng = new Rng(0);
    Tensor w = rng.normal(10, 1000, 1000).setRequiresGrad(true);
    w.mul(rng.normal(10, 1000, 1000)).sum().backward();
    Optimizer adam = Adam.adamW(List.of(w), 1e-4, 0);
    PerpGrad perp = new PerpGrad(Adam.adamW(List.of(w), 1e-4, 0), true);
    return List.of(
        SideBySide.of("AdamW", adam::step),
        SideBySide.of("orthogonal gradient, AdamW", perp::step));
  }

  /** 25 million weights, forward and backward. */
  private static List<SideBySide.Contestant> compander() {
    Tensor v = new Rng(0).normal(25, 1_000_000).mul(0.05).setRequiresGrad(true);
    Tensor a = Tensor.of(new double[] {0.15}).to(Dtype.FLOAT32);
    List<SideBySide.Contestant> all = new ArrayList<>();
    all.add(backward("sum alone", v, x -> x.sum()));
    all.add(backward("arctan compander", v, x -> Compander.ARCTAN.apply(x, a, a).sum()));
    return all;
  }
}
