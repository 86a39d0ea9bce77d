package vault_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/integration/pgtest"
)

// TestQuickstart_TellsTheSameStoryOnPostgreSQL builds the program and runs it
// twice, as its reader would, and compares it with its own golden stories.
func TestQuickstart_TellsTheSameStoryOnPostgreSQL(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	t.Parallel()
	examples, err := filepath.Abs(filepath.Join("..", "..", "examples"))
	require.NoError(t, err)
	program := filepath.Join(t.TempDir(), "quickstart")
	build := exec.Command("go", "build", "-o", program, "./quickstart")
	build.Dir = examples
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)

	dsn, dir := pgtest.DSN(t), filepath.Join(t.TempDir(), "data")
	for _, golden := range []string{"first.txt", "second.txt"} {
		out, err := exec.Command(program, "-dsn", dsn, "-dir", dir).CombinedOutput()
		require.NoError(t, err, "%s", out)
		want, err := os.ReadFile(filepath.Join(examples, "quickstart", "testdata", golden))
		require.NoError(t, err)
		require.Equal(t, string(want), steady(string(out), dir))
	}
	require.NoFileExists(t, filepath.Join(dir, "shop.db"), "the data were to be on the server")
}

// What differs from run to run stands in the golden stories by these names.
var random = []struct {
	value *regexp.Regexp
	name  string
}{
	{regexp.MustCompile(`\b01[0-9a-f]{30}…`), "01<random>…"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\dT[\d:.]+Z`), "<instant>"},
	{regexp.MustCompile(`/u/[-\w]+`), "/u/<random>"},
	{regexp.MustCompile(`\b[A-Z2-7]{26}\b`), "<name>"},
	{regexp.MustCompile(`\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`), "<id>"},
	{regexp.MustCompile(`\b(person |about |(?:commitments|terms|document|event|receipt|archive|manifest|certificate)=)[0-9a-f]{8}\b`), "$1<random>"},
	{regexp.MustCompile(`(log \S+: )\d+( entries)`), "$1<n>$2"},
	{regexp.MustCompile(`(entry, index )\d+`), "$1<n>"},
	{regexp.MustCompile(`(is to have it before )\d{4}-\d\d-\d\d`), "$1<day>"},
}

func steady(story, dir string) string {
	story = strings.ReplaceAll(story, dir, "<dir>")
	for _, r := range random {
		story = r.value.ReplaceAllString(story, r.name)
	}
	return story
}
