package org.tikhon.solve;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.tikhon.data.DataException;

/**
 * A directed acyclic graph in the text format of the program Tetrad: the line {@code Graph Nodes:},
 * the names separated by semicolons, the line {@code Graph Edges:}, and lines such as {@code 1. erk
 * --> akt}.
 *
 * @param names of the nodes
 * @param graph with all weights 1
 */
public record TetradGraph(List<String> names, Dag graph) {
  private static final Pattern EDGE = Pattern.compile("(?:\\d+\\.\\s+)?(\\S+)\\s+(\\S+)\\s+(\\S+)");

  public TetradGraph {
    names = List.copyOf(names);
  }

  /**
   * Reads a file.
   *
   * @throws DataException if it is not such a graph, an edge is not {@code -->}, or it has a cycle
   */
  public static TetradGraph read(Path path) throws IOException {
    List<String> lines;
    try {
      lines = Files.readAllLines(path);
    } catch (CharacterCodingException e) {
      throw new DataException(path + ": must be text in UTF-8", e);
    }
    int nodes = lineOf(path, lines, "Graph Nodes:");
    int edges = lineOf(path, lines, "Graph Edges:");
    List<String> names =
        Arrays.stream(
                String.join(";", lines.subList(nodes + 1, Math.max(edges, nodes + 1)))
                    .split("[;,]"))
            .map(String::strip)
            .filter(n -> !n.isEmpty())
            .toList();
    double[][] weights = new double[names.size()][names.size()];
    for (int k = edges + 1; k < lines.size(); k++) {
      String line = lines.get(k).strip();
      if (line.isEmpty()) {
        continue;
      }
      Matcher edge = EDGE.matcher(line);
      if (!edge.matches() || !edge.group(2).equals("-->")) {
        throw new DataException(
            "%s: line %d must be an edge such as \"a --> b\", is \"%s\""
                .formatted(path, k + 1, line));
      }
      weights[node(path, k, names, edge.group(1))][node(path, k, names, edge.group(3))] = 1;
    }
    try {
      return new TetradGraph(names, Dag.of(weights));
    } catch (IllegalArgumentException e) {
      throw new DataException(path + ": " + withNames(e.getMessage(), names), e);
    }
  }

  private static int lineOf(Path path, List<String> lines, String heading) {
    for (int k = 0; k < lines.size(); k++) {
      if (lines.get(k).strip().equals(heading)) {
        return k;
      }
    }
    throw new DataException(path + ": must have the line \"" + heading + "\"");
  }

  private static int node(Path path, int k, List<String> names, String name) {
    int node = names.indexOf(name);
    if (node < 0) {
      throw new DataException(
          "%s: line %d names %s, which is not among the nodes %s"
              .formatted(path, k + 1, name, String.join(", ", names)));
    }
    return node;
  }

  private static String withNames(String message, List<String> names) {
    return Pattern.compile("\\d+")
        .matcher(message)
        .replaceAll(n -> names.get(Integer.parseInt(n.group())));
  }

  /**
   * The graph with its nodes in the order of a table's columns.
   *
   * @throws DataException if the names are not the same
   */
  public Dag ordered(List<String> columns) {
    if (columns.size() != names.size() || !columns.containsAll(names)) {
      throw new DataException(
          "the graph's nodes must be the columns %s, are %s"
              .formatted(String.join(", ", columns), String.join(", ", names)));
    }
    double[][] weights = new double[names.size()][names.size()];
    for (Dag.Edge edge : graph.edges()) {
      weights[columns.indexOf(names.get(edge.from()))][columns.indexOf(names.get(edge.to()))] =
          edge.weight();
    }
    return Dag.of(weights);
  }
}
