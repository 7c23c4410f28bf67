#include "broker/config/option_table.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "broker/config/options.h"
#include "broker/config/value.h"

namespace longhaul::broker::config {
namespace {

/// A line of kafka_options.txt, which holds what Apache Kafka's own classes say.
struct Fact {
  std::string scope, name, type, fallback, importance, update, valid;
};

std::vector<Fact> kafka_facts() {
  std::ifstream file("tests/broker/config/kafka_options.txt");
  std::vector<Fact> facts;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream fields(line);
    Fact fact;
    for (std::string* field : {&fact.scope, &fact.name, &fact.type, &fact.fallback,
                               &fact.importance, &fact.update, &fact.valid}) {
      std::getline(fields, *field, '|');
    }
    facts.push_back(fact);
  }
  return facts;
}

std::string type_name(Type type) {
  switch (type) {
    case Type::kBoolean:
      return "boolean";
    case Type::kString:
      return "string";
    case Type::kInt:
      return "int";
    case Type::kShort:
      return "short";
    case Type::kLong:
      return "long";
    case Type::kDouble:
      return "double";
    case Type::kList:
      return "list";
    case Type::kClass:
      return "class";
    case Type::kPassword:
      return "password";
  }
  return "?";
}

/// The facts' way of writing a default.
std::string fallback_text(const Option& option) {
  if (option.fallback.required) return "\\r";
  if (!option.fallback.text) return "\\0";
  std::string text(*option.fallback.text);
  if (option.type == Type::kClass) return "class " + text;
  if (option.type != Type::kList) return text;
  std::string list = "[";
  for (const std::string& item : value_as_list(text)) list += (list == "[" ? "" : ", ") + item;
  return list + "]";
}

/// Defaults that are not Kafka's, each with a page in docs/decisions that says why.
const std::map<std::string, std::string> kOtherDefaults = {
    {"socket.send.buffer.bytes", "524288"},  // 0008-send-buffer.md
};

TEST(OptionTable, AgreesWithApacheKafkaOnEveryOption) {
  std::vector<Fact> facts = kafka_facts();
  ASSERT_GT(facts.size(), 370u);
  for (const Fact& fact : facts) {
    SCOPED_TRACE(fact.scope + " " + fact.name);
    const OptionTable& table = fact.scope == "broker" ? broker_options() : topic_option_table();
    const Option* option = table.find(fact.name);
    ASSERT_TRUE(option);
    EXPECT_EQ(type_name(option->type), fact.type);
    auto other = kOtherDefaults.find(fact.name);
    if (other == kOtherDefaults.end()) {
      EXPECT_EQ(fallback_text(*option), fact.fallback);
    } else {
      EXPECT_EQ(fallback_text(*option), other->second);
      EXPECT_NE(fact.fallback, other->second) << "is Kafka's: no exception";
    }
    EXPECT_EQ(std::string(option->valid), fact.valid);
    std::map<Importance, std::string> importances = {
        {Importance::kHigh, "high"}, {Importance::kMedium, "medium"}, {Importance::kLow, "low"}};
    EXPECT_EQ(importances[option->importance], fact.importance);
    std::map<Update, std::string> updates = {{Update::kReadOnly, "read-only"},
                                             {Update::kPerBroker, "per-broker"},
                                             {Update::kClusterWide, "cluster-wide"}};
    if (fact.scope == "broker") {
      EXPECT_EQ(updates[option->update], fact.update);
    }
  }
}

TEST(OptionTable, HoldsNothingElseButOursAndTheDropped) {
  size_t kafkas = 0, ours = 0;
  for (const Option* option : broker_options().all()) {
    if (option->name.starts_with("longhaul.")) {
      ++ours;
    } else if (option->effect.kind != Effect::Kind::kDropped) {
      ++kafkas;
    }
  }
  for (const Option* option : topic_option_table().all()) {
    if (!option->name.starts_with("longhaul.")) ++kafkas;
  }
  EXPECT_EQ(kafkas, kafka_facts().size());
  EXPECT_EQ(ours, longhaul_options().size());
}

TEST(OptionTable, EveryOptionWithoutEffectSaysWhatStandsInItsPlace) {
  for (const OptionTable* table : {&broker_options(), &topic_option_table()}) {
    for (const Option* option : table->all()) {
      EXPECT_EQ(option->has_effect(), option->effect.instead.empty()) << option->name;
    }
  }
}

TEST(OptionTable, EveryDefaultIsAValidValue) {
  for (const OptionTable* table : {&broker_options(), &topic_option_table()}) {
    for (const Option* option : table->all()) {
      if (!option->fallback.text || option->valid == "non-empty list") continue;
      auto value = check_value(*option, *option->fallback.text);
      ASSERT_TRUE(value) << value.error().message;
      EXPECT_EQ(*value, *option->fallback.text) << option->name;
    }
  }
}

TEST(OptionTable, NearestFindsATypingError) {
  EXPECT_EQ(broker_options().nearest("longhaul.fromat"), "longhaul.format");
  EXPECT_EQ(broker_options().nearest("log.retension.ms"), "log.retention.ms");
  EXPECT_EQ(topic_option_table().nearest("cleanup.polcy"), "cleanup.policy");
  EXPECT_EQ(broker_options().nearest("my.company.thing.that.is.no.option"), "");
  EXPECT_EQ(broker_options().nearest(std::string(100000, 'x')), "");
}

TEST(OptionTable, SynonymsExistAndKeepTheType) {
  for (const Option* option : topic_option_table().all()) {
    for (const Synonym& synonym : topic_synonyms(option->name)) {
      const Option& broker = broker_options().get(synonym.broker_option);
      bool numbers = option->type == Type::kLong && broker.type == Type::kInt;
      EXPECT_TRUE(broker.type == option->type || numbers) << broker.name;
    }
  }
  EXPECT_EQ(topic_synonyms("retention.ms").size(), 3u);
  EXPECT_EQ(topic_synonyms("retention.ms")[2].factor, 3'600'000);
  EXPECT_TRUE(topic_synonyms("leader.replication.throttled.replicas").empty());
}

}  // namespace
}  // namespace longhaul::broker::config
