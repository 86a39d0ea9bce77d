package task_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of the times in /proc/*/stat.
const tick = time.Second / 100

// cpu is what the processor has spent on this process, and on the server of the
// database where that is another: what other work on the machine leaves alone, more
// or less. Where there is no /proc it is 0.
func (x *bench) cpu(ctx context.Context) (sum time.Duration) {
	sum = spent("self")
	rows, err := x.db.QueryContext(ctx, "SELECT pid FROM pg_stat_activity")
	if err != nil {
		return sum // SQLite
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var pid int
		if rows.Scan(&pid) == nil {
			sum += spent(strconv.Itoa(pid))
		}
	}
	if rows.Err() != nil {
		return 0
	}
	return sum
}

// spent is the processor's time of one process.
func spent(pid string) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%s/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the name may hold anything
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	var ticks int64
	for _, f := range fields[11:13] { // utime, stime
		n, _ := strconv.ParseInt(f, 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * tick
}
