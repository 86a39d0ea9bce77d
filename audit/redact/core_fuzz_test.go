package redact_test

import (
	"encoding/json"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/trothdev/troth/audit/redact"
)

// Whatever stands around a value, in whatever JSON and under whatever key, it
// does not come out, and what comes out is JSON.
func FuzzCore(f *testing.F) {
	f.Add("x", `{"name":["anna"],"b":1e400}`)
	f.Add("NameVerbose", `[[[]], null, -0.0, 4111111111111111]`)
	f.Add("name@b.example", `"\ud800 \u0061nna@example.com"`)
	f.Fuzz(func(t *testing.T, key, text string) {
		log, out := newLogger(t, redact.WithFields("name"))
		value := map[string]any{key: canary, "name": "the secret", "a": []string{canary}}
		if json.Valid([]byte(text)) {
			value["raw"] = json.RawMessage(text)
		}
		log.Info(text, zap.Any("v", value), zap.String(key, canary), zap.Namespace(key),
			zap.Object(key, obj(func(e zapcore.ObjectEncoder) error {
				e.AddByteString(key, []byte(canary))
				e.OpenNamespace(text)
				return e.AddReflected(key, value)
			})), zap.Any(key, []byte(canary)), zap.Strings("name", []string{"the secret"}))
		got := out.take()
		if !json.Valid([]byte(got)) {
			t.Fatalf("no JSON: %s", got)
		}
		if strings.Contains(got, canary) || strings.Contains(got, "the secret") != strings.Contains(text+key, "the secret") {
			t.Fatalf("leaked: %s", got)
		}
	})
}
