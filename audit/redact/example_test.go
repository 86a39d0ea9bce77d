package redact_test

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"github.com/trothdev/troth/audit/redact"
)

func Example() {
	protect, err := redact.Wrap(
		redact.WithFields("name", "street"),
		// A host reads them from its tracing library's span.
		redact.WithTrace(func(context.Context) (traceID, spanID string) {
			return "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
		}),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	log := zap.NewExample(protect).With(redact.Context(context.Background()))

	log.Info("mail to anna@example.com failed", zap.String("name", "Anna Smith"), zap.Int("attempt", 3))
	log.Warn("sign-in from 192.0.2.1:51234", zap.Dict("form", zap.String("Name", "Anna"), zap.String("note", "call +44 20 7946 0123")))
	// Output:
	// {"level":"info","msg":"mail to [email] failed","trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","name":"[redacted]","attempt":3}
	// {"level":"warn","msg":"sign-in from [ip]:51234","trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","form":{"Name":"[redacted]","note":"call [phone]"}}
}
