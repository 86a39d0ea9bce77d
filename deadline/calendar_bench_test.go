package deadline_test

import (
	"testing"

	"github.com/trothdev/troth/deadline"
)

func BenchmarkCalendar_Working(b *testing.B) {
	cal, d := calendar(b, "gb-ew"), day(b, "2026-12-28")
	b.ReportAllocs()
	for b.Loop() {
		if working, err := cal.Working(d); working || err != nil {
			b.Fatal("worked on a bank holiday")
		}
	}
}

func BenchmarkAddBusinessDays(b *testing.B) {
	cal, from := calendar(b, "us-ca"), day(b, "2026-11-20")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := deadline.AddBusinessDays(cal, from, 15); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPeriod_AddTo(b *testing.B) {
	p, from := period(b, "P1M"), day(b, "2026-01-31")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.AddTo(from); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPeriod_MaxDays(b *testing.B) {
	p := period(b, "P3M")
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := p.MaxDays(); !ok {
			b.Fatal("no length")
		}
	}
}
