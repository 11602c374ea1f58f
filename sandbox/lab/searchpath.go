package lab

import "strings"

// searchPath returns the directories to try for name, each ending in a slash; one empty string when name has a slash already.
func searchPath(name string, env []string) []string {
	if strings.Contains(name, "/") {
		return []string{""}
	}
	var dirs []string
	for _, entry := range env {
		value, ok := strings.CutPrefix(entry, "PATH=")
		if !ok {
			continue
		}
		dirs = dirs[:0]
		for dir := range strings.SplitSeq(value, ":") {
			if dir != "" {
				dirs = append(dirs, strings.TrimSuffix(dir, "/")+"/")
			}
		}
	}
	return dirs
}
