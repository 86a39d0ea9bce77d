package redact_test

import (
	"errors"
	"io"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/trothdev/troth/audit/redact"
)

// Read each pair with benchstat: bare is zap alone, redact is with this core.
func BenchmarkCore(b *testing.B) {
	bare := zapcore.NewCore(zapcore.NewJSONEncoder(plain), zapcore.AddSync(io.Discard), zapcore.InfoLevel)
	cores := []struct {
		name string
		core zapcore.Core
	}{{"bare", bare}, {"redact", newCore(b, bare, redact.WithFields("name", "street"))}}
	entries := []struct {
		name, message string
		fields        []zap.Field
	}{
		{"plain", "order placed", []zap.Field{zap.String("state", "new"), zap.Int("items", 3), zap.Bool("gift", true)}},
		{"ids", "order 20260102-17 placed at 12:30:45", []zap.Field{zap.String("order", "550e8400-e29b-41d4-a716-446655440000"), zap.Int64("at", 1700000000123456)}},
		{"shapes", "sent to anna@example.com from 192.0.2.1", []zap.Field{zap.String("name", "Anna"), zap.Error(errors.New("for +44 20 7946 0123"))}},
		{"struct", "seen", []zap.Field{zap.Any("p", person{Name: "Anna", Mail: canary, Age: 7})}},
	}
	for _, e := range entries {
		for _, c := range cores {
			b.Run(e.name+"/"+c.name, func(b *testing.B) {
				log := zap.New(c.core)
				b.ReportAllocs()
				for b.Loop() {
					log.Info(e.message, e.fields...)
				}
			})
		}
		for _, c := range cores {
			b.Run(e.name+"/disabled/"+c.name, func(b *testing.B) {
				log := zap.New(c.core)
				b.ReportAllocs()
				for b.Loop() {
					log.Debug(e.message, e.fields...)
				}
			})
		}
	}
}
