package task_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/task"
)

// TestFormats_Vectors compares what the engine makes with what docs/formats/task.md
// shows.
func TestFormats_Vectors(t *testing.T) {
	page, err := os.ReadFile("../docs/formats/task.md")
	require.NoError(t, err)
	shown := func(name string) string {
		m := regexp.MustCompile("`" + name + "` \\| `([^`]+)`").FindSubmatch(page)
		require.NotNil(t, m, name)
		return string(m[1])
	}
	id, err := troth.ParseEntryID(shown("id"))
	require.NoError(t, err)
	n := task.Name{Tenant: troth.Tenant(shown("tenant")), ID: id}
	require.Equal(t, shown("effect key"), task.EffectKey(n))
	require.Equal(t, shown("subject"), task.GroupSubject(n.Tenant, id).ID)
	require.Equal(t, shown("compartment"), string(task.Compartment))
}
