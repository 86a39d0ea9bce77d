package redact_test

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/trothdev/troth/audit/redact"
)

func TestWithTokens_EqualValuesHaveEqualTokens(t *testing.T) {
	key := bytes.Repeat([]byte{7}, redact.MinTokenKey)
	log, out := newLogger(t, redact.WithTokens(key), redact.WithFields("mail", "id", "who"))
	clear(key) // the option keeps a copy
	token := func(msg string, fields ...zap.Field) string {
		t.Helper()
		log.Info(msg, fields...)
		got := regexp.MustCompile(`\[[a-z]+(:[b-t]{12})?\]`).FindString(out.take())
		_, after, _ := strings.Cut(strings.Trim(got, "[]"), ":")
		return after
	}
	for name, same := range map[string][]string{
		"e-mail": {
			token("to " + canary), token("to ANNA%40example.com"), token("x", zap.String("a", canary)),
			token("x", zap.String("mail", canary+" ")), token("x", zap.Stringer("mail", text(canary))),
			token("x", zap.ByteString("mail", []byte(canary))), token("x", zap.Any("m", map[string]string{"mail": canary})),
		},
		"phone":   {token("+44 20 7946 0123"), token("+442079460123"), token("0044 20 7946 0123")},
		"card":    {token("4111 1111 1111 1111"), token("4111111111111111"), token("x", zap.Int64("a", 4111111111111111))},
		"address": {token("2001:db8::1"), token("[2001:DB8:0::1]:443")},
		"number":  {token("x", zap.Int("id", 7)), token("x", zap.Uint8("id", 7)), token("x", zap.Any("a", map[string]int{"ID": 7})), token("x", zap.Reflect("id", 7))},
	} {
		for _, got := range same {
			if len(got) != 12 || got != same[0] {
				t.Errorf("%s: tokens %q", name, same)
				break
			}
		}
	}
	if token(canary) == token("ben@example.com") || token("x", zap.Float64("id", 1.5)) == token("x", zap.Float64("id", 2.5)) {
		t.Error("different values have equal tokens")
	}
	for name, f := range map[string]zap.Field{
		"object": zap.Object("who", mailed), "panics": zap.Stringer("who", broken{}), "struct": zap.Reflect("who", person{}),
	} {
		if got := token("x", f); got != "" {
			t.Errorf("%s has token %q", name, got)
		}
	}
}

func TestWithTokens_OtherKeysGiveOtherTokens(t *testing.T) {
	var got []string
	for _, b := range []byte{1, 2} {
		log, out := newLogger(t, redact.WithTokens(bytes.Repeat([]byte{b}, redact.MinTokenKey)))
		log.Info(canary)
		got = append(got, out.take())
	}
	if got[0] == got[1] {
		t.Errorf("both keys give %s", got[0])
	}
}

// ids is how the tests' contexts hold their ids.
type ids struct{ trace, span string }

type idsKey struct{}

func idsOf(ctx context.Context) (trace, span string) {
	v := ctx.Value(idsKey{}).(ids)
	return v.trace, v.span
}

func TestContext_BecomesIDs(t *testing.T) {
	const trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for name, c := range map[string]struct {
		given ids
		want  string
	}{
		"both":               {ids{trace, span}, `,"trace_id":"` + trace + `","span_id":"` + span + `"`},
		"like a card":        {ids{"41111111111111114111111111111111", "4111111111111111"}, `,"trace_id":"41111111111111114111111111111111","span_id":"4111111111111111"`},
		"like a phone":       {ids{trace, "0044207946012345"}, `,"trace_id":"` + trace + `","span_id":"0044207946012345"`},
		"no span":            {ids{trace, ""}, `,"trace_id":"` + trace + `"`},
		"none":               {ids{}, ""},
		"upper case":         {ids{strings.ToUpper(trace), span}, ""},
		"zero trace":         {ids{strings.Repeat("0", 32), span}, ""},
		"zero span":          {ids{trace, strings.Repeat("0", 16)}, `,"trace_id":"` + trace + `"`},
		"too long":           {ids{trace + "0", span}, ""},
		"something else":     {ids{canary, span}, ""},
		"something as span":  {ids{trace, canary}, `,"trace_id":"` + trace + `"`},
		"not hexadecimal":    {ids{trace[:31] + "g", span}, ""},
		"swapped by mistake": {ids{span, trace}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			log, out := newLogger(t, redact.WithTrace(idsOf))
			ctx := context.WithValue(t.Context(), idsKey{}, c.given)
			want := `{"m":"x","a":1` + c.want + `}`
			log.Info("x", zap.Int("a", 1), redact.Context(ctx))
			if got := out.take(); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			log.With(zap.Int("a", 1), redact.Context(ctx)).Info("x")
			if got := out.take(); got != want {
				t.Errorf("With: got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestContext_ElsewhereIsNothing(t *testing.T) {
	ctx := context.WithValue(t.Context(), idsKey{}, "not what idsOf asserts")
	for name, opts := range map[string][]redact.Option{"no source": nil, "source panics": {redact.WithTrace(idsOf)}} {
		log, out := newLogger(t, opts...)
		log.Info("x", redact.Context(ctx), redact.Context(nil)) //nolint:staticcheck // nil is what this is about
		if got := out.take(); got != `{"m":"x"}` {
			t.Errorf("%s: %s", name, got)
		}
	}
	log, out := newLogger(t, redact.WithTrace(idsOf), redact.WithFields("trace_id"))
	log.Info("x", redact.Context(context.WithValue(t.Context(), idsKey{}, ids{strings.Repeat("a", 32), ""})))
	if got := out.take(); got != `{"m":"x","trace_id":"[redacted]"}` {
		t.Errorf("declared: %s", got)
	}
}
