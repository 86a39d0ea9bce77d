package redact_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit/redact"
)

// canary stands in every field below and in no output.
const canary = "anna@example.com"

// sink is the output of a logger under test.
type sink struct {
	sync.Mutex
	bytes.Buffer
}

func (s *sink) Write(p []byte) (int, error) {
	s.Lock()
	defer s.Unlock()
	return s.Buffer.Write(p)
}

func (s *sink) Sync() error { return nil }

// take returns what was written and forgets it.
func (s *sink) take() string {
	s.Lock()
	defer s.Unlock()
	defer s.Reset()
	return strings.TrimSuffix(s.String(), "\n")
}

// plain encodes fields and message, and nothing that changes with time.
var plain = zapcore.EncoderConfig{MessageKey: "m", NameKey: "n", StacktraceKey: "s", EncodeDuration: zapcore.StringDurationEncoder, EncodeTime: zapcore.ISO8601TimeEncoder}

func newCore(t testing.TB, inner zapcore.Core, opts ...redact.Option) zapcore.Core {
	t.Helper()
	core, err := redact.NewCore(inner, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return core
}

func newLogger(t testing.TB, opts ...redact.Option) (*zap.Logger, *sink) {
	t.Helper()
	out := new(sink)
	return zap.New(newCore(t, zapcore.NewCore(zapcore.NewJSONEncoder(plain), out, zapcore.DebugLevel), opts...)), out
}

type obj func(zapcore.ObjectEncoder) error

func (o obj) MarshalLogObject(enc zapcore.ObjectEncoder) error { return o(enc) }

type arr func(zapcore.ArrayEncoder) error

func (a arr) MarshalLogArray(enc zapcore.ArrayEncoder) error { return a(enc) }

type text string

func (s text) String() string { return string(s) }

type broken struct{}

func (broken) String() string               { panic(canary) }
func (broken) Error() string                { panic(canary) }
func (broken) MarshalJSON() ([]byte, error) { panic(canary) }
func (broken) MarshalLogObject(e zapcore.ObjectEncoder) error {
	e.AddString("a", canary)
	panic(canary)
}
func (broken) MarshalLogArray(zapcore.ArrayEncoder) error { panic(canary) }

type long struct{ error }

func (e long) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "%s at %s", e.Error(), "192.0.2.1") }

type causes []error

func (c causes) Error() string   { return "several" }
func (c causes) Errors() []error { return c }

type person struct {
	Name  string `json:"name"`
	Mail  string
	Age   int
	Next  *person `json:",omitempty"`
	Bytes []byte  `json:",omitempty"`
}

// endless holds itself.
func endless() obj {
	var o obj
	o = func(e zapcore.ObjectEncoder) error { return e.AddObject("again", o) }
	return o
}

func TestCore_RedactsFields(t *testing.T) {
	noon := time.Date(2026, 1, 2, 12, 30, 45, 0, time.UTC)
	for name, c := range map[string]struct {
		fields []zap.Field
		want   string
	}{
		"declared":       {[]zap.Field{zap.String("Name", "Anna"), zap.Int("NAME", 7), zap.Any("name", person{}), zap.String("names", "x")}, `"Name":"[redacted]","NAME":"[redacted]","name":"[redacted]","names":"x"`},
		"shape":          {[]zap.Field{zap.String("to", "to "+canary)}, `"to":"to [email]"`},
		"key":            {[]zap.Field{zap.Int(canary, 1)}, `"[email]":1`},
		"bytes":          {[]zap.Field{zap.ByteString("b", []byte(canary)), zap.ByteString("c", []byte("c"))}, `"b":"[email]","c":"c"`},
		"binary":         {[]zap.Field{zap.Binary("b", []byte(canary)), zap.Binary("c", []byte("c"))}, `"b":"[redacted]","c":"Yw=="`},
		"card as number": {[]zap.Field{zap.Int64("i", 4111111111111111), zap.Uint64("u", 4111111111111111), zap.Float64("f", 4111111111111111), zap.Int64("t", 1700000000123456), zap.Float64("g", 1.5)}, `"i":"[card]","u":"[card]","f":"[card]","t":1700000000123456,"g":1.5`},
		"stringer":       {[]zap.Field{zap.Stringer("s", text(canary))}, `"s":"[email]"`},
		"error":          {[]zap.Field{zap.Error(errors.New(canary)), zap.Error(nil)}, `"error":"[email]"`},
		"long error":     {[]zap.Field{zap.Error(long{errors.New(canary)})}, `"error":"[email]","errorVerbose":"[email] at [ip]"`},
		"causes":         {[]zap.Field{zap.Error(causes{errors.New(canary), nil})}, `"error":"several","errorCauses":[{"error":"[email]"}]`},
		"errors":         {[]zap.Field{zap.Errors("e", []error{errors.New(canary)})}, `"e":[{"error":"[email]"}]`},
		"object": {[]zap.Field{zap.Object("o", obj(func(e zapcore.ObjectEncoder) error {
			e.AddString("name", "Anna")
			e.AddString("x", canary)
			e.AddInt8("i", 1)
			return e.AddObject("NAME", broken{})
		}))}, `"o":{"name":"[redacted]","x":"[email]","i":1,"NAME":"[redacted]"}`},
		"object that fails": {[]zap.Field{zap.Object("o", obj(func(e zapcore.ObjectEncoder) error {
			e.AddString("x", "y")
			return errors.New(canary)
		}))}, `"o":{"x":"y"},"oError":"[email]"`},
		"inline":         {[]zap.Field{zap.Inline(obj(func(e zapcore.ObjectEncoder) error { e.AddString("name", "Anna"); return nil }))}, `"name":"[redacted]"`},
		"dict":           {[]zap.Field{zap.Dict("d", zap.String("name", "Anna"), zap.String("x", canary))}, `"d":{"name":"[redacted]","x":"[email]"}`},
		"array":          {[]zap.Field{zap.Strings("a", []string{canary, "b"})}, `"a":["[email]","b"]`},
		"declared array": {[]zap.Field{zap.Strings("name", []string{"Anna"})}, `"name":"[redacted]"`},
		"nested array": {[]zap.Field{zap.Array("a", arr(func(e zapcore.ArrayEncoder) error {
			_ = e.AppendReflected(person{Name: "Anna", Mail: canary})
			return e.AppendObject(mailed)
		}))}, `"a":[{"name":"[redacted]","Mail":"[email]","Age":0},{"x":"[email]"}]`},
		"namespace":       {[]zap.Field{zap.Namespace("ns"), zap.String("name", "Anna"), zap.String("x", "y")}, `"ns":{"name":"[redacted]","x":"y"}`},
		"declared space":  {[]zap.Field{zap.String("a", "b"), zap.Namespace("name"), zap.String("first", "Anna"), zap.Inline(mailed)}, `"a":"b","name":{"first":"[redacted]","inline":"[redacted]"}`},
		"struct":          {[]zap.Field{zap.Any("p", &person{Name: "Anna", Mail: canary, Age: 7, Next: &person{Name: "Ben"}, Bytes: []byte(canary)})}, `"p":{"name":"[redacted]","Mail":"[email]","Age":7,"Next":{"name":"[redacted]","Mail":"","Age":0},"Bytes":"[redacted]"}`},
		"map":             {[]zap.Field{zap.Reflect("m", map[string]any{"NAME": []int{1}, canary: 1.50, "n": nil, "t": true, "c": 4111111111111111, "h": "<&>"})}, `"m":{"NAME":"[redacted]","[email]":1.5,"c":"[card]","h":"<&>","n":null,"t":true}`},
		"reflected plain": {[]zap.Field{zap.Reflect("s", canary), zap.Reflect("n", nil), zap.Reflect("b", true), zap.Reflect("i", 7), zap.Reflect("f", 1e30)}, `"s":"[email]","n":null,"b":true,"i":7,"f":1e+30`},
		"long errors": {[]zap.Field{zap.Object("o", obj(func(e zapcore.ObjectEncoder) error {
			zap.NamedError("name", long{errors.New("Anna")}).AddTo(e)
			zap.NamedError("NAME", causes{errors.New("Anna")}).AddTo(e)
			return nil
		}))}, `"o":{"name":"[redacted]","nameVerbose":"[redacted]","NAME":"[redacted]","NAMECauses":"[redacted]"}`},
		"JSON as it is": {[]zap.Field{zap.Reflect("r", json.RawMessage(`{"Name":"Anna","b":"\u0061nna@example.com","c":[4.111111111111111e15,4111111111111111.0,1.50,2e3]}`))}, `"r":{"Name":"[redacted]","b":"[email]","c":["[card]","[card]",1.50,2e3]}`},
		"addresses":     {[]zap.Field{zap.Any("a", &net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 51234, Zone: "eth0"}), zap.Any("b", []netip.Addr{netip.MustParseAddr("192.0.2.1")}), zap.Any("c", &url.URL{Path: "/" + canary})}, `"a":"[ip]:51234","b":["[ip]"],"c":"/[email]"`},
		"no JSON":       {[]zap.Field{zap.Reflect("c", make(chan int)), zap.Reflect("m", map[[1]string]int{{canary}: 1})}, `"c":"[unreadable]","m":"[unreadable]"`},
		"panics":        {[]zap.Field{zap.Stringer("a", broken{}), zap.Error(broken{}), zap.Reflect("c", broken{}), zap.Object("d", broken{}), zap.Array("e", broken{}), zap.Inline(broken{}), zap.Stringer(canary, broken{})}, `"a":"[unreadable]","error":"[unreadable]","c":"[unreadable]","d":"[unreadable]","e":"[unreadable]","inline":"[unreadable]","[email]":"[unreadable]"`},
		"nil pointer":   {[]zap.Field{zap.Stringer("a", (*text)(nil))}, `"a":"<nil>"`},
		"endless":       {[]zap.Field{zap.Object("o", endless())}, ""},
		"unknown":       {[]zap.Field{{Key: "k", String: canary}, {Key: "l", Type: 200, Interface: canary}, {Key: "t", Type: zapcore.TimeFullType, Interface: canary}, {Key: "e", Type: zapcore.ErrorType, Interface: canary}, {Key: "z", Type: zapcore.TimeType, Interface: canary}, {Key: "c", Type: zapcore.Complex128Type}}, `"k":"[unreadable]","l":"[unreadable]","t":"[unreadable]","e":"[unreadable]","z":"[unreadable]","c":"[unreadable]"`},
		"plain types":   {[]zap.Field{zap.Bool("b", true), zap.Duration("d", time.Second), zap.Time("t", noon), zap.Float64("f", 1.5), zap.Complex128("c", 1i), zap.Uint8("u", 1), zap.Skip(), zap.Uintptr("p", 9), zap.Durations("ds", []time.Duration{1}), zap.Times("ts", []time.Time{noon}), zap.Float32s("fs", []float32{1.5}), zap.Uint16s("us", []uint16{3}), zap.Bools("bs", []bool{true}), zap.Complex64s("cs", []complex64{1})}, `"b":true,"d":"1s","t":"2026-01-02T12:30:45.000Z","f":1.5,"c":"0+1i","u":1,"p":9,"ds":["1ns"],"ts":["2026-01-02T12:30:45.000Z"],"fs":[1.5],"us":[3],"bs":[true],"cs":["1+0i"]`},
		"sensitive":     {[]zap.Field{zap.Any("s", troth.Protect(canary)), zap.Stringer("t", troth.Protect(canary))}, `"s":{"value":"[sensitive]"},"t":"[sensitive]"`},
	} {
		t.Run(name, func(t *testing.T) {
			log, out := newLogger(t, redact.WithFields("name"))
			log.Info("x", c.fields...)
			got := out.take()
			log.With(c.fields...).Info("x")
			if with := out.take(); with != got {
				t.Errorf("through With it is %s, else %s", with, got)
			}
			if strings.Contains(got, "Anna") || strings.Contains(got, canary) {
				t.Errorf("leaked: %s", got)
			}
			if want := `{"m":"x",` + c.want + `}`; c.want != "" && got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if c.want == "" && !strings.Contains(got, redact.Unreadable) {
				t.Errorf("nothing was replaced: %s", got)
			}
		})
	}
}

// mailed gives one address.
var mailed = obj(func(e zapcore.ObjectEncoder) error { e.AddString("x", canary); return nil })

func TestCore_RedactsTheEntry(t *testing.T) {
	log, out := newLogger(t)
	log.Named("for "+canary).Info("from 192.0.2.1", zap.String("a", "b"))
	if got := out.take(); got != `{"n":"for [email]","m":"from [ip]","a":"b"}` {
		t.Error(got)
	}
	core := log.Core()
	if err := core.Write(zapcore.Entry{Message: canary, Stack: "f(" + canary + ")\n\tmain.go:12"}, nil); err != nil {
		t.Fatal(err)
	}
	if got := out.take(); got != `{"m":"[email]","s":"f([email])\n\tmain.go:12"}` {
		t.Error(got)
	}
	log.WithOptions(zap.AddStacktrace(zapcore.DebugLevel)).Info("x")
	if got := out.take(); !strings.Contains(got, "redact_test.TestCore_RedactsTheEntry") {
		t.Errorf("the stack is gone: %s", got)
	}
}

func TestCore_KeepsLevelTimeAndCaller(t *testing.T) {
	inner, seen := observer.New(zapcore.WarnLevel)
	core := newCore(t, inner)
	if zapcore.LevelOf(core) != zapcore.WarnLevel || core.Enabled(zapcore.InfoLevel) {
		t.Error("the level changed")
	}
	want := zapcore.Entry{
		Level: zapcore.ErrorLevel, Time: time.Unix(1, 2), Message: "x",
		Caller: zapcore.EntryCaller{Defined: true, File: "/home/" + canary, Line: 3, Function: "f"},
	}
	ce := core.Check(want, nil)
	ce.Caller = want.Caller
	ce.Write()
	if core.Check(zapcore.Entry{Level: zapcore.InfoLevel}, nil) != nil {
		t.Error("an entry below the level is logged")
	}
	if seen.Len() != 1 || seen.All()[0].Entry != want {
		t.Errorf("got %+v", seen.All())
	}
}

func TestCore_AsksTheInnerCoresWhetherTheyLog(t *testing.T) {
	low, lows := observer.New(zapcore.DebugLevel)
	high, highs := observer.New(zapcore.ErrorLevel)
	var sampled []string
	sampler := zapcore.NewSamplerWithOptions(zapcore.NewTee(low, high), time.Hour, 1, 0, zapcore.SamplerHook(
		func(e zapcore.Entry, _ zapcore.SamplingDecision) { sampled = append(sampled, e.Message) }))
	log := zap.New(newCore(t, sampler))
	log.Info(canary)
	log.Info("ben@example.com")
	log.Error(canary)
	if lows.Len() != 2 || highs.Len() != 1 {
		t.Errorf("logged %d and %d", lows.Len(), highs.Len())
	}
	if strings.Contains(strings.Join(sampled, " "), "@") {
		t.Errorf("a hook saw %v", sampled)
	}
}

func TestCore_LeavesItsNeighboursInATeeAlone(t *testing.T) {
	inner, safe := observer.New(zapcore.DebugLevel)
	beside, raw := observer.New(zapcore.DebugLevel)
	fields := []zap.Field{zap.String("a", canary)}
	zap.New(zapcore.NewTee(newCore(t, inner), beside)).Info(canary, fields...)
	if safe.All()[0].Message != redact.Email || raw.All()[0].Message != canary || fields[0].String != canary {
		t.Errorf("safe %v, raw %v, given %v", safe.All(), raw.All(), fields)
	}
}

func TestCore_ErrorsStayErrors(t *testing.T) {
	inner, seen := observer.New(zapcore.DebugLevel)
	zap.New(newCore(t, inner)).Info("x", zap.Error(fmt.Errorf("for %s: %w", canary, errors.ErrUnsupported)))
	f := seen.All()[0].Context[0]
	err, ok := f.Interface.(error)
	if !ok || f.Type != zapcore.ErrorType || err.Error() != "for [email]: unsupported operation" || errors.Unwrap(err) != nil {
		t.Errorf("got %+v", f)
	}
}

func TestCore_ValuesAreAskedOnce(t *testing.T) {
	calls := 0
	o := obj(func(e zapcore.ObjectEncoder) error { calls++; e.AddInt("calls", calls); return nil })
	var one, two sink
	enc := zapcore.NewJSONEncoder(plain)
	log := zap.New(newCore(t, zapcore.NewTee(zapcore.NewCore(enc, &one, zapcore.DebugLevel), zapcore.NewCore(enc, &two, zapcore.DebugLevel))))
	log.Info("x", zap.Object("o", o))
	if a, b := one.take(), two.take(); a != b || calls != 1 {
		t.Errorf("asked %d times: %s, %s", calls, a, b)
	}
}

func TestCore_WithRedactsAtOnce(t *testing.T) {
	name := []byte(canary)
	log, out := newLogger(t, redact.WithFields("name"))
	child := log.With(zap.ByteString("b", name), zap.Namespace("name"))
	copy(name, "--------")
	child.Info("x", zap.Int("n", 7))
	if got := out.take(); got != `{"m":"x","b":"[email]","name":{"n":"[redacted]"}}` {
		t.Error(got)
	}
	log.WithLazy(zap.String("l", canary)).Info("x")
	if got := out.take(); got != `{"m":"x","l":"[email]"}` {
		t.Error(got)
	}
}

type full struct{ sink }

func (*full) Write([]byte) (int, error) { return 0, errors.New("no space for " + canary) }

func TestCore_ReportsWritesThatFail(t *testing.T) {
	inner := zapcore.NewCore(zapcore.NewJSONEncoder(plain), new(full), zapcore.DebugLevel)
	report := new(sink)
	zap.New(newCore(t, inner), zap.ErrorOutput(report)).Info("x")
	if got := report.take(); !strings.HasSuffix(got, "redact: write: no space for [email]") {
		t.Error(got)
	}
}

func TestCore_IsSafeForConcurrentUse(t *testing.T) {
	log, out := newLogger(t, redact.WithFields("name"), redact.WithTokens(make([]byte, redact.MinTokenKey)))
	log = log.With(zap.String("by", canary))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 200 {
				log.Info("for "+canary, zap.Int("i", i), zap.String("name", "Anna"), zap.Any("p", person{Mail: canary}))
				log.With(zap.String("x", canary)).Info("plain")
			}
		})
	}
	wg.Wait()
	got := out.take()
	if n := strings.Count(got, "\n") + 1; n != 3200 {
		t.Errorf("%d entries", n)
	}
	if strings.Contains(got, canary) || strings.Contains(got, "Anna") {
		t.Error("leaked")
	}
}

func TestNewCore_RefusesWhatCannotBeUsed(t *testing.T) {
	if _, err := redact.NewCore(nil); err == nil {
		t.Error("no inner core")
	}
	for name, o := range map[string]redact.Option{
		"no name": redact.WithFields("a", " "), "short key": redact.WithTokens(make([]byte, 31)), "no source": redact.WithTrace(nil),
	} {
		if _, err := redact.NewCore(zapcore.NewNopCore(), o); err == nil {
			t.Error(name)
		}
		if _, err := redact.Wrap(o); err == nil {
			t.Error(name)
		}
	}
}
