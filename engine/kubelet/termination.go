package kubelet

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Limits on what a container may say in its status.
const (
	maxTerminationMessage = 4096
	maxTerminationLog     = 2048
	maxTerminationLines   = 80
)

// terminationMessage is the runtime's message and what the container has left in its termination message file, or at the end
// of its log when its policy says so and the file is empty.
func terminationMessage(s *runtimeapi.ContainerStatus) string {
	path := s.Annotations[annotationTerminationMessagePath]
	toLogs := corev1.TerminationMessagePolicy(s.Annotations[annotationTerminationMessagePolicy]) == corev1.TerminationMessageFallbackToLogsOnError &&
		s.ExitCode != 0 && s.Reason != "ContainerCannotRun"
	text := ""
	for _, mount := range s.Mounts {
		if path != "" && mount.ContainerPath == path {
			text = tailOf(mount.HostPath, maxTerminationMessage)
			break
		}
	}
	if text == "" && toLogs {
		text = tailOfLog(s.LogPath)
	}
	if s.Message != "" && text != "" {
		return s.Message + ": " + text
	}
	return s.Message + text
}

// tailOf reads at most limit bytes from the end of a file.
func tailOf(path string, limit int64) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > limit {
		if _, err := file.Seek(-limit, io.SeekEnd); err != nil {
			return ""
		}
	}
	content, err := io.ReadAll(io.LimitReader(file, limit))
	if err != nil {
		return "Error on reading termination log " + path + ": " + err.Error()
	}
	return string(content)
}

// tailOfLog is the text of the last lines of a CRI log.
func tailOfLog(path string) string {
	lines := slices.Collect(strings.Lines(tailOf(path, 4*maxTerminationLog)))
	if len(lines) > maxTerminationLines {
		lines = lines[len(lines)-maxTerminationLines:]
	}
	var out bytes.Buffer
	for _, line := range lines {
		entry, err := parseLogLine([]byte(line))
		if err != nil {
			continue
		}
		out.Write(entry.content)
	}
	text := out.Bytes()
	if len(text) > maxTerminationLog {
		text = text[len(text)-maxTerminationLog:]
	}
	return string(text)
}
