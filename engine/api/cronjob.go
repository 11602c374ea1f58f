package api

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation/field"
	jobutil "k8s.io/kubernetes/pkg/api/job"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/batch"
	"k8s.io/kubernetes/pkg/apis/batch/validation"
	"k8s.io/kubernetes/pkg/features"
)

// cronJobs are job templates with a schedule, which validation reads as cron does.
var cronJobs = rules[*batch.CronJob]{
	create: func(cj *batch.CronJob) {
		cj.Status = batch.CronJobStatus{}
		cj.Generation = 1
		jobutil.DropDisabledFields(&cj.Spec.JobTemplate.Spec, nil)
		podutil.DropDisabledTemplateFields(&cj.Spec.JobTemplate.Spec.Template, nil)
	},
	validate: func(cj *batch.CronJob) field.ErrorList {
		return validation.ValidateCronJobCreate(cj, podutil.GetValidationOptionsFromPodTemplate(&cj.Spec.JobTemplate.Spec.Template, nil))
	},
	warn: func(cj *batch.CronJob) []string {
		return append(nameWarning(cj.Name, "Pod names and hostnames"), jobTemplateWarnings(cj, nil)...)
	},
	update: change[*batch.CronJob]{
		prepareFunc: func(obj, old *batch.CronJob) {
			obj.Status = old.Status
			spec, oldSpec := &obj.Spec.JobTemplate.Spec, &old.Spec.JobTemplate.Spec
			jobutil.DropDisabledFields(spec, oldSpec)
			podutil.DropDisabledTemplateFields(&spec.Template, &oldSpec.Template)
			if !equality.Semantic.DeepEqual(obj.Spec, old.Spec) {
				obj.Generation = old.Generation + 1
			}
		},
		validateFunc: func(obj, old *batch.CronJob) field.ErrorList {
			opts := podutil.GetValidationOptionsFromPodTemplate(&obj.Spec.JobTemplate.Spec.Template, &old.Spec.JobTemplate.Spec.Template)
			return validation.ValidateCronJobUpdate(obj, old, opts)
		},
		warnFunc: cronJobUpdateWarnings,
		reset:    []string{"status"},
	},
	subresources: map[string]change[*batch.CronJob]{
		"status": {
			prepareFunc:  func(obj, old *batch.CronJob) { obj.Spec = old.Spec },
			validateFunc: func(_, _ *batch.CronJob) field.ErrorList { return nil },
			reset:        []string{"spec"},
		},
	},
	switches: func() map[string]bool { return gate(features.WorkloadWithJob) },
}

func jobTemplateWarnings(obj, old *batch.CronJob) []string {
	var before *batch.JobSpec
	if old != nil {
		before = &old.Spec.JobTemplate.Spec
	}
	return jobutil.WarningsForJobSpec(background, field.NewPath("spec", "jobTemplate", "spec"), &obj.Spec.JobTemplate.Spec, before)
}

func cronJobUpdateWarnings(obj, old *batch.CronJob) []string {
	var warnings []string
	if obj.Generation != old.Generation {
		warnings = jobTemplateWarnings(obj, old)
	}
	if strings.Contains(obj.Spec.Schedule, "TZ") {
		warnings = append(warnings, fmt.Sprintf("cannot use TZ or CRON_TZ in %s, use timeZone instead, see "+
			"https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details", field.NewPath("spec", "spec", "schedule")))
	}
	return warnings
}
