#!/bin/sh
# about: a Job that works is written by hand, and the drawer left as it is; and a backup may be cut off by the next
# fails: mended: What counts is what lies in the drawer
# fails: finish: Let what has begun come to its end
# answer: how-often 30
set -e
kubectl create cronjob report --image=drydock/base:1 --schedule="30 3 * * *" -- date
kubectl patch cronjob report -p '{"spec":{"timeZone":"Asia/Seoul"}}'
kubectl create job try-2 --image=drydock/base:1 -- tar -czf /tmp/backup.tgz /etc/hosts
kubectl wait --for=condition=Complete job/try-2 --timeout=60s
kubectl patch cronjob backup -p '{"spec":{"concurrencyPolicy":"Replace","suspend":true}}'
