// A DNP3 master or outstation for the recordings of pcaps/make/dnp3/record.py, driving opendnp3 (3.1.2, Apache-2.0) through its public interface.
// opendnp3 is no part of the project: where it is installed, `c++ -std=c++14 -O1 stack.cpp -lopendnp3 -pthread -o dnp3-stack` makes the program,
// and FIELDTAP_DNP3_STACK names it.
//
//   dnp3-stack outstation ADDRESS PORT MASTER LINK[,LINK…] SECONDS [unsolicited] [changing] [every=MS]
//   dnp3-stack master ADDRESS PORT SOURCE LINK[,LINK…] [unsolicited] [lan|serial] [quiet] [classes=MS] -- STEP…
//
// Steps of a master, 200 ms apart: wait=MS link=N integrity events class=N read=GROUP.VARIATION.FIRST.LAST all=GROUP.VARIATION
// select=INDEX.CODE direct=INDEX.CODE setpoint=INDEX.VALUE cold warm enable disable assign=CLASS freeze.

#include <opendnp3/DNP3Manager.h>
#include <opendnp3/channel/IChannelListener.h>
#include <opendnp3/master/DefaultMasterApplication.h>
#include <opendnp3/master/ISOEHandler.h>
#include <opendnp3/outstation/DefaultOutstationApplication.h>
#include <opendnp3/outstation/SimpleCommandHandler.h>
#include <opendnp3/outstation/UpdateBuilder.h>

#include <atomic>
#include <chrono>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace opendnp3;
using Words = std::vector<std::string>;

static Words split(const std::string& text, char separator)
{
    Words parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, separator);)
        parts.push_back(part);
    return parts;
}

static uint16_t number(const std::string& text) { return static_cast<uint16_t>(std::stoul(text, nullptr, 0)); }

static void pause(int64_t milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

// The value of `name=…` among the options, or `otherwise`.
static int64_t valued(const std::set<std::string>& options, const std::string& name, int64_t otherwise)
{
    for (const auto& option : options)
        if (option.compare(0, name.size() + 1, name + "=") == 0)
            return std::stoll(option.substr(name.size() + 1));
    return otherwise;
}

class Quiet final : public IChannelListener
{
    void OnStateChange(ChannelState) override {}
};

// An outstation's application: restarts are told to take 2 s (cold) or 1.5 s (warm), and the clock is wanted until it is set.
class Station final : public DefaultOutstationApplication
{
public:
    std::atomic<bool> restarted{false};
    std::atomic<bool> unset{true};

    RestartMode ColdRestartSupport() const override { return RestartMode::SUPPORTED_DELAY_COARSE; }
    RestartMode WarmRestartSupport() const override { return RestartMode::SUPPORTED_DELAY_FINE; }
    uint16_t ColdRestart() override { restarted = true; return 2; }
    uint16_t WarmRestart() override { restarted = true; return 1500; }
    bool WriteAbsoluteTime(const UTCTimestamp& time) override
    {
        unset = false;
        return DefaultOutstationApplication::WriteAbsoluteTime(time);
    }
    ApplicationIIN GetApplicationIIN() const override
    {
        ApplicationIIN indications;
        indications.needTime = unset;
        return indications;
    }
};

// Takes every command to the outputs that there are; others are out of range.
class Outputs final : public SuccessCommandHandler
{
    static CommandStatus known(uint16_t index) { return index < 100 ? CommandStatus::SUCCESS : CommandStatus::OUT_OF_RANGE; }

public:
    CommandStatus Select(const ControlRelayOutputBlock&, uint16_t index) override { return known(index); }
    CommandStatus Operate(const ControlRelayOutputBlock&, uint16_t index, IUpdateHandler&, OperateType) override { return known(index); }
};

static DatabaseConfig database()
{
    DatabaseConfig config(0);
    for (uint16_t index = 0; index < 12; ++index)
    {
        config.binary_input[index].svariation = StaticBinaryVariation::Group1Var2;
        config.binary_input[index].evariation = EventBinaryVariation::Group2Var2;
        config.binary_output_status[index].clazz = PointClass::Class2;
    }
    for (uint16_t index = 0; index < 6; ++index)
    {
        config.analog_input[index].clazz = PointClass::Class2;
        config.analog_input[index].svariation = index < 3 ? StaticAnalogVariation::Group30Var1 : StaticAnalogVariation::Group30Var5;
        config.analog_input[index].evariation = index < 3 ? EventAnalogVariation::Group32Var3 : EventAnalogVariation::Group32Var7;
    }
    for (uint16_t index = 0; index < 4; ++index)
    {
        config.counter[index].clazz = PointClass::Class3;
        config.frozen_counter[index].clazz = PointClass::Class3;
        config.double_binary[index].evariation = EventDoubleBinaryVariation::Group4Var2;
        config.analog_output_status[index].clazz = PointClass::Class2;
    }
    config.octet_string[0].clazz = PointClass::Class3;
    return config;
}

// What changes in the field, turn by turn.
static void change(IOutstation& outstation, Station& station, uint32_t turn)
{
    UpdateBuilder updates;
    updates.Update(Analog(1000.0 + 7 * turn, Flags(0x01), station.Now()), static_cast<uint16_t>(turn % 6));
    if (turn % 2 == 0)
        updates.Update(Binary(turn % 4 == 0, Flags(0x01), station.Now()), static_cast<uint16_t>(turn / 2 % 12));
    if (turn % 5 == 1)
        updates.Update(Counter(turn * 3), static_cast<uint16_t>(turn / 5 % 4));
    if (turn % 9 == 4)
        updates.Update(DoubleBitBinary(turn % 2 ? DoubleBit::DETERMINED_ON : DoubleBit::INTERMEDIATE, Flags(0x01), station.Now()), 1);
    outstation.Apply(updates.Build());
}

static void play_outstation(const Words& words, const std::set<std::string>& options)
{
    DNP3Manager manager(1);
    const IPEndpoint place(words.at(1), number(words.at(2)));
    auto channel = manager.AddTCPServer("server", levels::NOTHING, ServerAcceptMode::CloseExisting, place, std::make_shared<Quiet>());
    std::vector<std::pair<std::shared_ptr<IOutstation>, std::shared_ptr<Station>>> stations;
    for (const auto& link : split(words.at(4), ','))
    {
        OutstationStackConfig config(database());
        config.outstation.eventBufferConfig = EventBufferConfig::AllTypes(50);
        config.outstation.params.allowUnsolicited = options.count("unsolicited") > 0;
        config.outstation.params.respondToAnyMaster = true;
        config.outstation.params.selectTimeout = TimeDuration::Seconds(2);
        config.outstation.params.unsolConfirmTimeout = TimeDuration::Milliseconds(1500);
        config.outstation.params.numUnsolRetries = NumRetries::Fixed(2);
        config.link.LocalAddr = number(link);
        config.link.RemoteAddr = number(words.at(3));
        config.link.KeepAliveTimeout = TimeDuration::Max();
        auto station = std::make_shared<Station>();
        auto outstation = channel->AddOutstation("outstation " + link, std::make_shared<Outputs>(), station, config);
        outstation->Enable();
        stations.emplace_back(outstation, station);
    }
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(std::stol(words.at(5)));
    for (uint32_t turn = 0; std::chrono::steady_clock::now() < end; ++turn)
    {
        pause(valued(options, "every", 400));
        for (auto& each : stations)
        {
            if (options.count("changing"))
                change(*each.first, *each.second, turn);
            if (each.second->restarted.exchange(false))
            {
                each.second->unset = true;
                each.first->SetRestartIIN();
            }
        }
    }
}

class Nothing final : public ISOEHandler
{
    void BeginFragment(const ResponseInfo&) override {}
    void EndFragment(const ResponseInfo&) override {}
    void Process(const HeaderInfo&, const ICollection<Indexed<Binary>>&) override {}
    void Process(const HeaderInfo&, const ICollection<Indexed<DoubleBitBinary>>&) override {}
    void Process(const HeaderInfo&, const ICollection<Indexed<Analog>>&) override {}
    void Process(const HeaderInfo&, const ICollection<Indexed<Counter>>&) override {}
    void Process(const HeaderInfo&, const ICollection<Indexed<FrozenCounter>>&) override {}
    void Process(const HeaderInfo&, const ICollection<Indexed<BinaryOutputStatus>>&) override {}
    void Process(const HeaderInfo&, const ICollection<Indexed<AnalogOutputStatus>>&) override {}
    void Process(const HeaderInfo&, const ICollection<Indexed<OctetString>>&) override {}
    void Process(const HeaderInfo&, const ICollection<Indexed<TimeAndInterval>>&) override {}
    void Process(const HeaderInfo&, const ICollection<Indexed<BinaryCommandEvent>>&) override {}
    void Process(const HeaderInfo&, const ICollection<Indexed<AnalogCommandEvent>>&) override {}
    void Process(const HeaderInfo&, const ICollection<DNPTime>&) override {}
};

static const std::vector<Header> EVENT_CLASSES = {Header::AllObjects(60, 2), Header::AllObjects(60, 3), Header::AllObjects(60, 4)};

static void command(IMaster& master, const std::string& step, const Words& values, bool selecting)
{
    const auto ignore = [](const ICommandTaskResult&) {};
    if (step == "setpoint")
        return master.SelectAndOperate(AnalogOutputInt32(std::stoi(values.at(1))), number(values.at(0)), ignore);
    const ControlRelayOutputBlock block(static_cast<uint8_t>(number(values.at(1))), 1, 500, 500);
    if (selecting)
        master.SelectAndOperate(block, number(values.at(0)), ignore);
    else
        master.DirectOperate(block, number(values.at(0)), ignore);
}

static void take(IMaster& master, const std::string& step, const Words& values)
{
    const auto handler = std::make_shared<Nothing>();
    const auto code = [&](size_t place) { return static_cast<uint8_t>(number(values.at(place))); };
    if (step == "integrity")
        master.ScanClasses(ClassField::AllClasses(), handler);
    else if (step == "events")
        master.ScanClasses(ClassField::AllEventClasses(), handler);
    else if (step == "class")
        master.Scan({Header::AllObjects(60, static_cast<uint8_t>(code(0) + 1))}, handler);
    else if (step == "read")
        master.ScanRange(GroupVariationID(code(0), code(1)), number(values.at(2)), number(values.at(3)), handler);
    else if (step == "all")
        master.ScanAllObjects(GroupVariationID(code(0), code(1)), handler);
    else if (step == "select" || step == "direct" || step == "setpoint")
        command(master, step, values, step == "select");
    else if (step == "cold" || step == "warm")
        master.Restart(step == "cold" ? RestartType::COLD : RestartType::WARM, [](const RestartOperationResult&) {});
    else if (step == "enable" || step == "disable")
        master.PerformFunction(step, step == "enable" ? FunctionCode::ENABLE_UNSOLICITED : FunctionCode::DISABLE_UNSOLICITED, EVENT_CLASSES);
    else if (step == "assign")
        master.PerformFunction(step, FunctionCode::ASSIGN_CLASS, {Header::AllObjects(60, static_cast<uint8_t>(code(0) + 1)), Header::AllObjects(1, 0)});
    else if (step == "freeze")
        master.PerformFunction(step, FunctionCode::IMMED_FREEZE, {Header::AllObjects(20, 0)});
    else
        throw std::invalid_argument("no such step: " + step);
}

static MasterStackConfig master_of(const Words& words, const std::string& link, const std::set<std::string>& options)
{
    MasterStackConfig config;
    const bool quiet = options.count("quiet") > 0;
    config.master.responseTimeout = TimeDuration::Seconds(2);
    config.master.disableUnsolOnStartup = !quiet;
    config.master.ignoreRestartIIN = quiet;
    config.master.unsolClassMask = options.count("unsolicited") ? ClassField::AllEventClasses() : ClassField::None();
    config.master.startupIntegrityClassMask = quiet ? ClassField::None() : ClassField::AllClasses();
    config.master.timeSyncMode = options.count("lan") ? TimeSyncMode::LAN : options.count("serial") ? TimeSyncMode::NonLAN : TimeSyncMode::None;
    config.link.LocalAddr = number(words.at(3));
    config.link.RemoteAddr = number(link);
    config.link.KeepAliveTimeout = TimeDuration::Max();
    return config;
}

static void play_master(const Words& words, const std::set<std::string>& options, const Words& steps)
{
    DNP3Manager manager(1);
    const ChannelRetry retry(TimeDuration::Milliseconds(500), TimeDuration::Seconds(2));
    auto channel = manager.AddTCPClient("client", levels::NOTHING, retry, {IPEndpoint(words.at(1), number(words.at(2)))}, "0.0.0.0", std::make_shared<Quiet>());
    std::map<uint16_t, std::shared_ptr<IMaster>> masters;
    for (const auto& link : split(words.at(4), ','))
    {
        auto master = channel->AddMaster("master " + link, std::make_shared<Nothing>(), DefaultMasterApplication::Create(), master_of(words, link, options));
        if (const auto period = valued(options, "classes", 0))
            master->AddClassScan(ClassField::AllEventClasses(), TimeDuration::Milliseconds(period), std::make_shared<Nothing>());
        master->Enable();
        masters[number(link)] = master;
    }
    auto current = masters.begin()->second;
    for (const auto& step : steps)
    {
        const auto at = step.find('=');
        const auto name = step.substr(0, at);
        const auto values = at == std::string::npos ? Words{} : split(step.substr(at + 1), '.');
        if (name == "wait")
            pause(std::stoll(values.at(0)));
        else if (name == "link")
            current = masters.at(number(values.at(0)));
        else
            take(*current, name, values), pause(200);
    }
    pause(300);
}

int main(int argc, char* argv[])
{
    const Words words(argv + 1, argv + argc);
    const size_t fixed = words.empty() ? 0 : words[0] == "outstation" ? 6 : 5;
    if (words.size() < fixed || fixed == 0)
        return std::cerr << "dnp3-stack outstation|master …: see the beginning of stack.cpp\n", 2;
    std::set<std::string> options;
    size_t at = fixed;
    for (; at < words.size() && words[at] != "--"; ++at)
        options.insert(words[at]);
    const Words steps(words.begin() + static_cast<std::ptrdiff_t>(std::min(at + 1, words.size())), words.end());
    words[0] == "outstation" ? play_outstation(words, options) : play_master(words, options, steps);
    return 0;
}
