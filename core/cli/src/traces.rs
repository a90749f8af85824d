//! Traces, sent to an OpenTelemetry collector in batches in the background. What does not fit into the
//! queue, or does not arrive, is lost and costs nothing else: a line in the log, now and then.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use core_connector::TRACES;
use core_http::FetchOptions;
use core_store::Store;
use http::{Request, Response, Uri};
use opentelemetry::KeyValue;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider,
};
use tokio::runtime::Handle;
use tracing::Span;
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt as _};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;

use crate::cli::{Cli, Command};
use crate::config::{Config, TracesPlan};
use crate::connectors;
use crate::failure::Failure;

/// Spans that wait to be sent; more are lost.
const QUEUE: usize = 8192;
/// Spans that are sent at once.
const BATCH: usize = 512;
/// How often what waits is sent.
const EVERY: Duration = Duration::from_secs(2);
/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long the end of the program waits for what is not sent yet.
const LAST: Duration = Duration::from_secs(3);
/// How often it is said that the collector takes nothing.
const SAID: Duration = Duration::from_secs(600);

/// Traces that are sent.
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Traces {
    /// What the settings of a command say: nothing for most commands, and where they name no collector.
    /// Wrong settings are the command's to tell.
    ///
    /// # Errors
    /// Where a secret is not there: the command does without.
    pub(crate) async fn of(cli: &Cli) -> Result<Option<Self>, Failure> {
        if !matches!(cli.command, Command::Serve(_) | Command::Sync(_) | Command::Push(_)) {
            return Ok(None);
        }
        let Ok(mut config) = Config::load(&cli.global.config, &connectors::registry()) else {
            return Ok(None);
        };
        if config.has_traces() && config.uses_store() {
            let store = Store::open(&config.database()?).await?;
            config.take_kept(&store).await?;
            store.close().await;
        }
        config.traces()?.map(Self::begin).transpose()
    }

    fn begin(plan: TracesPlan) -> Result<Self, Failure> {
        let headers: HashMap<String, String> = plan
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.expose().to_owned()))
            .collect();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new(&plan.url))
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(plan.url)
            .with_headers(headers)
            .with_timeout(TIMEOUT)
            .build()
            .map_err(|error| Failure::failed(format!("no traces can be sent: {error}")))?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(EVERY)
            .build();
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        let share = f64::from(plan.sample_percent) / 100.0;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder()
            .with_service_name(plan.service_name)
            .with_attribute(version)
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share))))
            .with_resource(resource)
            .build();
        let tracer = provider.tracer("linchpin");
        Ok(Self { provider, tracer })
    }

    /// What takes the spans, and nothing else that is logged.
    pub(crate) fn layer<S>(&self) -> impl tracing_subscriber::Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let spans: OpenTelemetryLayer<S, SdkTracer> = tracing_opentelemetry::layer()
            .with_tracer(self.tracer.clone())
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false);
        spans.with_filter(Targets::new().with_target(TRACES, LevelFilter::INFO))
    }

    /// Sends what waits, and no more. Blocks for some seconds at most; the runtime must still be there.
    pub(crate) fn end(self) {
        // What could not be sent was told of by the collector's own line.
        drop(self.provider.shutdown_with_timeout(LAST));
    }
}

/// Has a span go on with the trace that a `traceparent` names; one that names none is left alone.
pub(crate) fn go_on(span: &Span, traceparent: &str) {
    let carrier = HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
    let parent = TraceContextPropagator::new().extract(&carrier);
    // An error is that nobody takes spans, or this one was begun: it is a trace of its own then.
    drop(span.set_parent(parent));
}

/// Asks the collector with the program's one HTTP stack.
struct Collector {
    runtime: Handle,
    /// All that is said of its address.
    place: String,
    failing: Mutex<Failing>,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").field("place", &self.place).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Failing {
    /// Batches that were lost since it took one.
    lost: u64,
    /// When that was last said.
    said: Option<Instant>,
}

impl Collector {
    fn new(url: &str) -> Self {
        Self { runtime: Handle::current(), place: place_of(url), failing: Mutex::default() }
    }

    /// Says that nothing arrives, now and then, and once that it does again.
    fn note(&self, error: Option<&str>) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let collector = &self.place;
        let Some(error) = error else {
            let was = std::mem::take(&mut *failing);
            if was.lost > 0 {
                tracing::info!(collector, lost = was.lost, "the collector takes traces again");
            }
            return;
        };
        failing.lost += 1;
        if failing.said.is_none_or(|at| at.elapsed() >= SAID) {
            failing.said = Some(Instant::now());
            tracing::warn!(collector, error, lost = failing.lost, "traces are lost");
        }
    }
}

/// Host and port of an address.
fn place_of(url: &str) -> String {
    let uri: Uri = url.parse().unwrap_or_default();
    let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    format!("{}:{}", uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(usual))
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = request.map(|body| body.to_vec());
        // The settings refuse what would send a header readable.
        let options = FetchOptions {
            setting: "endpoint",
            timeout: TIMEOUT,
            allow_http: true,
            ..FetchOptions::default()
        };
        // The thread that sends is none of the runtime's.
        let sent = self.runtime.spawn(core_http::fetch_with(request, options)).await;
        let answer = match sent {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                self.note(Some(&error.to_string()));
                return Err(Box::new(error));
            }
            // The program ends.
            Err(error) => return Err(Box::new(error)),
        };
        let status = answer.status();
        let refused = format!("it answered {status}");
        self.note((!status.is_success()).then_some(refused.as_str()));
        Ok(answer.map(Bytes::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_a_collectors_address_host_and_port_are_said_and_nothing_else() {
        for (url, place) in [
            ("https://c.example/v1/traces", "c.example:443"),
            ("http://c.example/v1/traces", "c.example:80"),
            ("http://[::1]:4318/v1/traces", "[::1]:4318"),
            ("https://eve:planted@c.example:4318/planted?key=planted", "c.example:4318"),
        ] {
            assert_eq!(place_of(url), place);
            let shown = format!("{:?}", Collector::new(url));
            assert!(shown.contains(place) && !shown.contains("planted"), "{shown}");
        }
    }
}
