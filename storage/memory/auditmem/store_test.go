package auditmem_test

import (
	"testing"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/auditmem"
)

func TestStore(t *testing.T) {
	audittest.Run(t, func(*testing.T) audit.Backend { return auditmem.New(memory.Open()) })
}
