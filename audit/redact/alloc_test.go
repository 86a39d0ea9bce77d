package redact

import (
	"testing"

	"go.uber.org/zap"
)

func TestRules_WhatPassesCostsNoAllocation(t *testing.T) {
	r, err := newRules([]Option{WithFields("name")})
	if err != nil {
		t.Fatal(err)
	}
	fields := []zap.Field{
		zap.String("state", "new"), zap.Int("items", 3), zap.Bool("gift", true), zap.Int64("at", 1700000000123456),
		zap.String("order", "550e8400-e29b-41d4-a716-446655440000"), zap.String("at", "2024-01-02 15:04:05.678"),
	}
	if n := testing.AllocsPerRun(100, func() {
		r.text("order 20260102-17 placed in 12ms")
		r.fields(fields, false)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
