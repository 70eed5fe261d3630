import java.io.IOException;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.IntrospectionUtils;

/**
 * Tomcat for one run: RealTomcat BASE [ATTRIBUTE=VALUE...], attributes of the connector as server.xml has them.
 *
 * <p>Prints one JSON line, {"ok":true,"port":N} or {"ok":false,"err":"..."}. Lives as long as its standard input: the end of whoever
 * started it ends it, too. A line on it stops Tomcat as a SIGTERM stops one that runs as a service. It has one context and one
 * servlet, nothing is scanned and nothing deployed, so it is there in half a second.
 */
public final class RealTomcat {
    private static final String DEFAULT_PROTOCOL = "HTTP/1.1";

    // Held, because a logger that nobody holds forgets its level.
    private static final Logger LOG = Logger.getLogger("org.apache");

    public static void main(String[] args) throws IOException {
        LOG.setLevel(Level.WARNING);
        Tomcat tomcat = new Tomcat();
        try {
            Connector connector = connectorOf(args);
            tomcat.setBaseDir(args[0]);
            tomcat.setConnector(connector);
            Context context = tomcat.addContext("", args[0]);
            Tomcat.addServlet(context, "targets", new Targets());
            context.addServletMappingDecoded("/*", "targets");
            tomcat.start();
            if (connector.getLocalPort() <= 0) {
                throw new LifecycleException("the connector could not listen");
            }
            say("{\"ok\":true,\"port\":" + connector.getLocalPort() + "}");
        } catch (IllegalArgumentException | LifecycleException error) {
            say("{\"ok\":false,\"err\":\"" + error.getMessage().replaceAll("[\"\\\\\\p{Cntrl}]", "'") + "\"}");
            Runtime.getRuntime().halt(1);
        }
        if (System.in.read() != -1) {
            stop(tomcat);
        }
        Runtime.getRuntime().halt(0);
    }

    private static Connector connectorOf(String[] args) {
        String protocol = DEFAULT_PROTOCOL;
        for (String arg : args) {
            protocol = arg.startsWith("protocol=") ? arg.substring("protocol=".length()) : protocol;
        }
        Connector connector = new Connector(protocol);
        connector.setPort(0);
        for (int i = 1; i < args.length; i++) {
            String[] pair = args[i].split("=", 2);
            if (!pair[0].equals("protocol")) {
                set(connector, pair[0], pair[1]);
            }
        }
        return connector;
    }

    /** As server.xml's reader does it, except that what is not understood is an error and no warning. */
    private static void set(Connector connector, String name, String value) {
        if (!IntrospectionUtils.setProperty(connector, name, value)) {
            throw new IllegalArgumentException("the connector does not take " + name + "=" + value);
        }
    }

    private static void stop(Tomcat tomcat) {
        try {
            tomcat.stop();
            tomcat.destroy();
        } catch (LifecycleException error) {
            LOG.log(Level.WARNING, "stopping", error);
        }
    }

    private static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
