package troth_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/trothdev/troth"
)

// secret is what no output may hold in any form.
const secret = "anna.example@mail.test"

// leaks returns the form in which out holds the secret, if it does.
func leaks(out string) string {
	folded := strings.ToLower(out)
	numbers := strings.Trim(fmt.Sprint([]byte(secret)), "[]")
	for form, text := range map[string]string{
		"plain":             secret,
		"hex":               hex.EncodeToString([]byte(secret)),
		"hex with spaces":   strings.ToLower(fmt.Sprintf("% x", secret)),
		"bytes":             numbers,
		"bytes with commas": strings.ReplaceAll(numbers, " ", ","),
		"Go bytes":          strings.Trim(fmt.Sprintf("%#v", []byte(secret)), "[]byte{}"),
	} {
		if strings.Contains(folded, strings.ToLower(text)) {
			return form
		}
	}
	for shift := range 3 { // base64 of the secret, wherever in a longer text it stands
		encoded := base64.RawStdEncoding.EncodeToString([]byte(secret)[shift:])
		if strings.Contains(out, encoded[:20]) {
			return "base64"
		}
	}
	return ""
}

func requireNoLeak(t *testing.T, out string) {
	t.Helper()
	if form := leaks(out); form != "" {
		t.Fatalf("the secret is in the output as %s: %s", form, out)
	}
}

// person hides its e-mail address in every corner of Go's type system.
type person struct {
	Exported   troth.Sensitive[string]
	unexported troth.Sensitive[string]
	Pointer    *troth.Sensitive[string]
	pointer    *troth.Sensitive[string]
	Bytes      troth.Sensitive[[]byte]
	bytes      troth.Sensitive[[]byte]
	Slice      []troth.Sensitive[string]
	slice      []troth.Sensitive[string]
	Map        map[string]troth.Sensitive[string]
	table      map[string]troth.Sensitive[string]
	Nested     struct{ Inner troth.Sensitive[string] }
	nested     struct {
		inner troth.Sensitive[struct{ Email string }]
	}
	Any any
	any any
}

func newPerson() person {
	s := troth.Protect(secret)
	b := troth.Protect([]byte(secret))
	p := person{
		Exported: s, unexported: s, Pointer: &s, pointer: &s, Bytes: b, bytes: b,
		Slice: []troth.Sensitive[string]{s}, slice: []troth.Sensitive[string]{s},
		Map:   map[string]troth.Sensitive[string]{"email": s},
		table: map[string]troth.Sensitive[string]{"email": s},
		Any:   s, any: &s,
	}
	p.Nested.Inner = s
	p.nested.inner = troth.Protect(struct{ Email string }{secret})
	return p
}

// holders are values that hold the secret, as programs hold them.
func holders() map[string]any {
	s, p := troth.Protect(secret), newPerson()
	return map[string]any{
		"value": s, "pointer": &s, "bytes": troth.Protect([]byte(secret)),
		"struct": p, "pointer to struct": &p,
		"slice": []troth.Sensitive[string]{s}, "slice of pointers": []*troth.Sensitive[string]{&s},
		"slice of structs": []person{p}, "array": [1]troth.Sensitive[string]{s},
		"map":     map[string]troth.Sensitive[string]{"email": s},
		"any":     []any{s, &s, p, &p},
		"nested":  map[string]any{"people": []any{map[string]any{"person": p}}},
		"address": troth.Address{Channel: "email", Value: s},
		"error":   fmt.Errorf("cannot send to %v", s),
		"anonymous": struct {
			hidden troth.Sensitive[string]
		}{s},
	}
}

func TestSensitive_LeakDetectorWorks(t *testing.T) {
	for name, out := range map[string]string{
		"plain":  "mail to " + secret,
		"hex":    fmt.Sprintf("%x", secret),
		"HEX":    fmt.Sprintf("%X", secret),
		"spaced": fmt.Sprintf("% X", secret),
		"bytes":  fmt.Sprint([]byte(secret)),
		"Go":     fmt.Sprintf("%#v", []byte(secret)),
		"JSON":   fmt.Sprintf(`{"b":%q}`, base64.StdEncoding.EncodeToString([]byte(secret))),
		"middle": base64.StdEncoding.EncodeToString([]byte("xx" + secret)),
		"second": base64.StdEncoding.EncodeToString([]byte("x" + secret)),
	} {
		require.NotEmpty(t, leaks(out), name)
	}
	require.Empty(t, leaks("[sensitive]"))
}

func TestSensitive_NoVerbPrintsIt(t *testing.T) {
	verbs := []string{
		"v", "+v", "#v", "T", "s", "q", "+q", "#q", "x", "X", "# x", " X", "d", "o", "O", "b",
		"c", "U", "#U", "e", "f", "g", "t", "p", "#p", "w", "z", "10s", "-40.3s", "020d",
	}
	for name, holder := range holders() {
		for _, verb := range verbs {
			t.Run(name+" %"+verb, func(t *testing.T) {
				requireNoLeak(t, fmt.Sprintf("%"+verb, holder))
			})
		}
		requireNoLeak(t, fmt.Sprint(holder))
		requireNoLeak(t, fmt.Sprintln(holder, holder))
		requireNoLeak(t, fmt.Errorf("failed for %v: %w", holder, errors.New("cause")).Error())
	}
}

func TestSensitive_PrintsAPlaceholder(t *testing.T) {
	s := troth.Protect(secret)
	for _, out := range []string{s.String(), s.GoString(), fmt.Sprint(s), fmt.Sprint(&s), fmt.Sprintf("%d", s)} {
		require.Equal(t, "[sensitive]", out)
	}
	out, err := json.Marshal(map[string]any{"email": s})
	require.NoError(t, err)
	require.JSONEq(t, `{"email":"[sensitive]"}`, string(out))
}

func TestSensitive_NoEncodingHoldsIt(t *testing.T) {
	for name, holder := range holders() {
		t.Run(name, func(t *testing.T) {
			out, err := json.Marshal(holder)
			require.NoError(t, err)
			requireNoLeak(t, string(out))
			// XML and gob refuse some of the holders; what they wrote is searched
			// all the same, and their errors.
			var written bytes.Buffer
			err = xml.NewEncoder(&written).Encode(holder)
			requireNoLeak(t, written.String()+fmt.Sprint(err))
			written.Reset()
			err = gob.NewEncoder(&written).Encode(holder)
			requireNoLeak(t, written.String()+fmt.Sprint(err))
		})
	}
}

func TestSensitive_EncodesAPlaceholder(t *testing.T) {
	type row struct {
		ID    int                     `xml:"id"`
		Email troth.Sensitive[string] `xml:"email"`
	}
	r := row{1, troth.Protect(secret)}
	out, err := xml.Marshal(r)
	require.NoError(t, err)
	require.Equal(t, "<row><id>1</id><email>[sensitive]</email></row>", string(out))
	var written bytes.Buffer
	require.NoError(t, gob.NewEncoder(&written).Encode(r))
	require.Contains(t, written.String(), "[sensitive]")
	out, err = json.Marshal(map[*troth.Sensitive[string]]int{&r.Email: 1})
	require.NoError(t, err)
	require.Equal(t, `{"[sensitive]":1}`, string(out))
	text, err := r.Email.MarshalText()
	require.NoError(t, err)
	require.Equal(t, "[sensitive]", string(text))
}

func TestSensitive_SlogDoesNotPrintIt(t *testing.T) {
	var out bytes.Buffer
	all := &slog.HandlerOptions{Level: slog.LevelDebug}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, all), slog.NewJSONHandler(&out, all)} {
		log := slog.New(handler)
		for name, holder := range holders() {
			log.Info(name, "holder", holder)
			log.With("with", holder).WithGroup("group").Debug(name, slog.Any("any", holder),
				slog.Group("inner", "holder", holder))
			log.LogAttrs(t.Context(), slog.LevelError, name, slog.String("text", fmt.Sprint(holder)))
		}
	}
	require.Contains(t, out.String(), "[sensitive]")
	requireNoLeak(t, out.String())
}

func TestSensitive_ZapDoesNotPrintIt(t *testing.T) {
	for name, encoder := range map[string]zapcore.Encoder{
		"json":    zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()),
		"console": zapcore.NewConsoleEncoder(zap.NewDevelopmentEncoderConfig()),
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			log := zap.New(zapcore.NewCore(encoder, zapcore.AddSync(&out), zapcore.DebugLevel))
			s := troth.Protect(secret)
			log.Info("typed", zap.Object("object", s), zap.Stringer("stringer", s), zap.Inline(s),
				zap.Objects("objects", []troth.Sensitive[string]{s}), zap.Error(fmt.Errorf("for %v", s)))
			for name, holder := range holders() {
				log.Info(name, zap.Any("any", holder), zap.Reflect("reflect", holder))
				log.With(zap.Any("with", holder)).Debug(name)
				log.Sugar().Infow(name, "holder", holder)
				log.Sugar().Infof("%+v", holder)
				log.Sugar().Info(holder)
			}
			require.Contains(t, out.String(), "[sensitive]")
			requireNoLeak(t, out.String())
		})
	}
}

func TestSensitive_RevealNamesAPurpose(t *testing.T) {
	s := troth.Protect(secret)
	got, err := s.Reveal("order-fulfilment")
	require.NoError(t, err)
	require.Equal(t, secret, got)
	for _, bad := range []troth.Purpose{"", "~reserved", "two\nlines"} {
		got, err = s.Reveal(bad)
		var wrong *troth.IdentifierError
		require.ErrorAs(t, err, &wrong)
		require.Empty(t, got)
	}
	var zero troth.Sensitive[string]
	got, err = zero.Reveal("order-fulfilment")
	require.NoError(t, err)
	require.Empty(t, got)
	require.Equal(t, "[sensitive]", zero.String())
}
