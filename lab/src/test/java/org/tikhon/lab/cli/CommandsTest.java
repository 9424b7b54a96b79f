package org.tikhon.lab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class CommandsTest {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /** All commands that do something themselves. */
  static Stream<CommandLine> commands() {
    List<CommandLine> leaves = new ArrayList<>();
    collect(Main.commandLine(), leaves);
    return leaves.stream();
  }

  private static void collect(CommandLine command, List<CommandLine> leaves) {
    if (command.getSubcommands().isEmpty()) {
      leaves.add(command);
    }
    command.getSubcommands().values().forEach(c -> collect(c, leaves));
  }

  @ParameterizedTest
  @MethodSource("commands")
  void everyCommandHasHelpWithAnExampleAndJson(CommandLine command) {
    String name = command.getCommandSpec().qualifiedName(" ");
    String help = command.getUsageMessage(CommandLine.Help.Ansi.OFF);
    assertThat(help).as(name).contains("--help", "--json");
    assertThat(String.join("\n", command.getCommandSpec().usageMessage().footer()))
        .as(name)
        .contains("Example", name);
  }

  @Test
  void listShowsAllSystemsAndTheirState() {
    Cli.Result result = Cli.run("list", "--json");
    assertThat(result.code()).isZero();
    JsonNode systems = JSON.readTree(result.out()).get("systems");
    assertThat(systems.size()).isEqualTo(70);
    assertThat(systems.get(14).get("system").asString()).isEqualTo("elr");
    assertThat(systems.get(14).get("state").asString()).isEqualTo("built");
    assertThat(Cli.run("list", "--room", "loss").out()).contains("elr").doesNotContain("pissa");
    assertThat(Cli.run("list", "--search", "noisy labels").out()).contains("elr");
    Cli.Result wrong = Cli.run("list", "--room", "lost");
    assertThat(wrong.code()).isEqualTo(2);
    assertThat(wrong.err()).contains("loss");
  }

  @Test
  void showTellsThePaperAndTheClaim() {
    Cli.Result result = Cli.run("show", "15");
    assertThat(result.code()).isZero();
    assertThat(result.out()).contains("Early-Learning", "2007.00151", "tikhon claim elr");
    assertThat(Cli.run("show", "elrr").err()).contains("did you mean elr?");
    assertThat(Cli.run("show", "elrr").code()).isEqualTo(2);
  }

  @Test
  void claimRefusesWhatIsNotThere() {
    assertThat(Cli.run("claim", "nothing-like-it").code()).isEqualTo(2);
    assertThat(Cli.run("claim", "soft").err()).contains("not built");
    assertThat(Cli.run("claim", "elr", "--seeds", "-1").err()).contains("--seeds must be at least");
    assertThat(Cli.run("claim", "elr", "--full", "--quick").code()).isEqualTo(2);
  }

  @Test
  void doctorTellsWhatTheMachineHas() {
    Cli.Result result = Cli.run("doctor", "--json");
    assertThat(result.code()).isZero();
    JsonNode facts = JSON.readTree(result.out());
    for (String name :
        List.of("java", "libtorch", "threads", "device", "memory", "vectors", "data")) {
      assertThat(facts.has(name)).as(name).isTrue();
    }
  }

  @Test
  void dataSetsAreListedWithTheirLicence() {
    assertThat(Cli.run("data", "list").out()).contains("mnist", "fashion-mnist");
    assertThat(Cli.run("data", "info", "mnist").out()).contains("CC BY-SA");
    Cli.Result wrong = Cli.run("data", "info", "mnits");
    assertThat(wrong.code()).isEqualTo(2);
    assertThat(wrong.err()).contains("did you mean mnist");
  }

  @Test
  void unknownCommandsAndOptionsEndWithTwo() {
    assertThat(Cli.run("frobnicate").code()).isEqualTo(2);
    assertThat(Cli.run("compare", "--no-such-option").code()).isEqualTo(2);
    assertThat(Cli.run("compare", "--epochs", "many").code()).isEqualTo(2);
  }
}
